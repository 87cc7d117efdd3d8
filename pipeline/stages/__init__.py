"""What the runner runs: each stage turns one manifest into the next, shard by shard."""
