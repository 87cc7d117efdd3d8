"""Which frames of a clip are kept, from their time stamps alone.

Convention:
    rule: for k = 0, 1, ... the first presented frame at or after k / fps seconds.
    zero: seconds are counted from the clip's first presented frame.
    once: a frame that several k fall on is kept once, under the first of them; the others are left out.
    order: presentation order; a time stamp that goes back never reopens a k that was passed.
    exact: integers only, so no rounding decides on a frame.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple


class Kept(NamedTuple):
    """One frame that the rule keeps."""

    frame: int
    """k, from 0."""
    source_frame: int
    """0-based index among the presented frames."""
    elapsed: int
    """Ticks of the time base since the first presented frame."""


class Sampler:
    """The rule, one presented frame at a time."""

    def __init__(self, time_base: Fraction, fps: Fraction | None) -> None:
        """Start before the first presented frame.

        Args:
            time_base: seconds per tick.
            fps: frames kept per second; None keeps every frame.
        """
        self.rate = None if fps is None else fps * time_base
        self.zero: int | None = None
        self.passed = -1
        self.num_seen = 0

    def take(self, pts: int) -> Kept | None:
        """Whether the next presented frame, at ``pts`` ticks, is kept, and as which k."""
        if self.zero is None:
            self.zero = pts
        elapsed, source_frame = pts - self.zero, self.num_seen
        self.num_seen += 1
        reached = source_frame if self.rate is None else elapsed * self.rate.numerator // self.rate.denominator
        if reached <= self.passed:
            return None
        frame, self.passed = self.passed + 1, reached
        return Kept(frame, source_frame, elapsed)


def choose(times: Iterable[int], time_base: Fraction, fps: Fraction | None) -> list[Kept]:
    """The frames that the rule keeps.

    Args:
        times: time stamps in ticks, in presentation order.
        time_base: seconds per tick.
        fps: frames kept per second; None keeps every frame.
    """
    sampler = Sampler(time_base, fps)
    return [kept for pts in times if (kept := sampler.take(pts)) is not None]
