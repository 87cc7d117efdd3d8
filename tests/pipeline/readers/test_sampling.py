from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcae.pipeline.readers.sampling import Kept, choose

RATES = st.one_of(
    st.sampled_from([Fraction(1), Fraction(25), Fraction(1, 2), Fraction(30000, 1001)]),
    st.fractions(min_value=Fraction(1, 100), max_value=100, max_denominator=1001),
)
BASES = st.sampled_from(
    [Fraction(1, 25), Fraction(1, 1000), Fraction(1, 12800), Fraction(1001, 30000), Fraction(1, 90000)]
)
TIMES = st.lists(st.integers(0, 200_000), min_size=1, max_size=40).map(sorted)


def choose_naively(times: list[int], time_base: Fraction, fps: Fraction) -> list[Kept]:
    """For every k, search all frames; then let each frame keep its first k."""
    seconds = [(pts - times[0]) * time_base for pts in times]
    first_k: dict[int, int] = {}
    k = 0
    while k / fps <= seconds[-1]:
        index = next(index for index, second in enumerate(seconds) if second >= k / fps)
        first_k.setdefault(index, k)
        # the next k that this frame does not already answer, found without the rule's own division
        k += 1
        while k / fps <= seconds[index]:
            k += 1
    return [Kept(k, index, times[index] - times[0]) for index, k in sorted(first_k.items())]


@settings(max_examples=60, deadline=None)
@given(times=TIMES, time_base=BASES, fps=RATES)
def test_the_frames_are_those_that_a_search_for_every_k_finds(
    times: list[int], time_base: Fraction, fps: Fraction
) -> None:
    if (times[-1] - times[0]) * time_base * fps > 20_000:
        times = [pts // 100 for pts in times]
    assert choose(times, time_base, fps) == choose_naively(times, time_base, fps)


@settings(max_examples=60, deadline=None)
@given(times=TIMES, time_base=BASES, fps=RATES)
def test_every_kept_frame_is_the_first_at_or_after_its_time(
    times: list[int], time_base: Fraction, fps: Fraction
) -> None:
    kept = choose(times, time_base, fps)
    for k, source_frame, elapsed in kept:
        assert elapsed * time_base >= k / fps
        assert source_frame == 0 or (times[source_frame - 1] - times[0]) * time_base < k / fps
    assert [one.frame for one in kept] == sorted({one.frame for one in kept})
    assert kept[0] == Kept(0, 0, 0)


@settings(max_examples=60, deadline=None)
@given(times=TIMES, time_base=BASES, fps=RATES, shift=st.integers(-10_000, 10_000))
def test_a_clip_that_starts_later_keeps_the_same_frames(
    times: list[int], time_base: Fraction, fps: Fraction, shift: int
) -> None:
    assert choose([pts + shift for pts in times], time_base, fps) == choose(times, time_base, fps)


@pytest.mark.parametrize(
    ("times", "fps", "expected"),
    [
        (range(60), Fraction(1), [(0, 0), (1, 25), (2, 50)]),
        (range(60), Fraction(1, 2), [(0, 0), (1, 50)]),
        (range(4), Fraction(25), [(0, 0), (1, 1), (2, 2), (3, 3)]),
        (range(4), Fraction(1000), [(0, 0), (1, 1), (41, 2), (81, 3)]),
        ([0, 24, 26, 49, 51], Fraction(1), [(0, 0), (1, 2), (2, 4)]),
        ([0, 90], Fraction(1), [(0, 0), (1, 1)]),
        ([0, 90, 100], Fraction(1), [(0, 0), (1, 1), (4, 2)]),
        ([7], Fraction(1), [(0, 0)]),
        ([], Fraction(1), []),
        ([0, 30, 20, 50], Fraction(1), [(0, 0), (1, 1), (2, 3)]),
        ([0, 0, 25, 25], Fraction(1), [(0, 0), (1, 2)]),
        ([0, 3, 3, 90], None, [(0, 0), (1, 1), (2, 2), (3, 3)]),
    ],
)
def test_the_rule_by_example_at_25_ticks_a_second(
    times: list[int], fps: Fraction | None, expected: list[tuple[int, int]]
) -> None:
    assert [(kept.frame, kept.source_frame) for kept in choose(times, Fraction(1, 25), fps)] == expected


def test_no_rounding_moves_a_frame_of_ntsc_over_ten_hours() -> None:
    num_frames = 30 * 3600 * 10
    kept = choose(range(0, num_frames * 1001, 1001 * 30), Fraction(1, 30000), Fraction(30000, 1001) / 30)
    assert [one.frame for one in kept] == list(range(num_frames // 30))
