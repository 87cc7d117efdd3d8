"""The run: steps, validation, checkpoints and metrics."""
