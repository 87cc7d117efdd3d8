"""The sentences that commands end with: what went in, what came out, what was rejected and why."""

from tcae.pipeline.stages.base import Tally

ITEM_OF = {"frames": "clips", "faces": "frames"}
"""What a stage's table is made from, and what its rejections count."""


def sentence(tally: Tally, table: str) -> str:
    """One line of conservation, e.g. ``384 frames in = 380 faces + 4 rejected (3 no_face, 1 blurred)``."""
    reasons = tally.reasons(table)
    num_rejected = sum(reasons.values())
    if table == "frames":
        num_in, result = tally.clips - tally.left, f"{tally.clips - tally.left - num_rejected:,} with frames"
        tail = f"; {tally.done[table]:,} frames"
    else:
        num_in, result, tail = tally.done[table] + num_rejected, f"{tally.done[table]:,} faces", ""
    why = f" ({', '.join(f'{count:,} {reason}' for reason, count in reasons.items())})" if reasons else ""
    return f"{num_in:,} {ITEM_OF[table]} in = {result} + {num_rejected:,} rejected{why}{tail}"


def effort(tally: Tally) -> str:
    """How much of it was made now."""
    return f"{tally.made:,} clips made now, {tally.kept:,} found made"
