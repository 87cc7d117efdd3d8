from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.rows import Clip
from tcae.pipeline.trees.numbering import natural, number_clips


def clip(name: str, video: str = "v", identity: str = "a", number: int = 0, source: str = "/s") -> Clip:
    return Clip(
        identity=identity, video=video, clip=number, name=name, layout="clips", source=source, path=name, media="video"
    )


def numbers(clips: list[Clip]) -> dict[str, int]:
    return {row.name: row.clip for row in clips}


def test_names_are_in_natural_order() -> None:
    names = ["b", "10.mp4", "00010.mp4", "a10b2", "9.mp4", "00001.mp4", "a9b10", "1.mp4", "a", ""]
    assert sorted(names, key=natural) == [
        "", "00001.mp4", "1.mp4", "9.mp4", "00010.mp4", "10.mp4", "a", "a9b10", "a10b2", "b",
    ]  # fmt: skip


def test_numbers_start_at_zero_in_every_video() -> None:
    rows = [clip("00010.mp4"), clip("00002.mp4"), clip("7.mp4", "w"), clip("00001.mp4"), clip("3.mp4", "v", "b")]
    assert [(*row.key, row.name) for row in number_clips(rows)] == [
        ("a", "v", 0, "00001.mp4"),
        ("a", "v", 1, "00002.mp4"),
        ("a", "v", 2, "00010.mp4"),
        ("a", "w", 0, "7.mp4"),
        ("b", "v", 0, "3.mp4"),
    ]


def test_a_clip_that_arrives_later_takes_the_next_number() -> None:
    first = number_clips([clip("2.mp4"), clip("4.mp4")])
    again = number_clips([clip("1.mp4"), clip("2.mp4"), clip("3.mp4"), clip("4.mp4")], first)
    assert numbers(again) == {"2.mp4": 0, "4.mp4": 1, "1.mp4": 2, "3.mp4": 3}


def test_the_number_of_a_clip_that_is_gone_is_not_given_again() -> None:
    known = number_clips([clip("1.mp4"), clip("2.mp4")])
    assert numbers(number_clips([clip("1.mp4"), clip("3.mp4")], known)) == {"1.mp4": 0, "3.mp4": 2}


def test_a_source_that_moved_keeps_its_numbers() -> None:
    known = [clip("1.mp4", number=5, source="/old")]
    assert numbers(number_clips([clip("0.mp4", source="/new"), clip("1.mp4", source="/new")], known)) == {
        "0.mp4": 0,
        "1.mp4": 5,
    }


def test_entries_that_share_a_name_keep_different_numbers() -> None:
    good, bad = clip("x"), replace(clip("x"), reason="name", detail="twin", path="other")
    first = number_clips([bad, good])
    assert [(row.clip, row.reason) for row in first] == [(0, None), (1, "name")]
    assert number_clips([bad, good], first) == first


names = st.lists(st.text("019.ab", min_size=1, max_size=5), unique=True, max_size=12)


@given(names, st.randoms(use_true_random=False))
def test_the_order_of_the_listing_does_not_matter(listed: list[str], random: object) -> None:
    shuffled = list(listed)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert number_clips(map(clip, shuffled)) == number_clips(map(clip, listed))


@given(st.lists(names, max_size=5))
def test_over_any_history_a_number_means_one_name_for_ever(history: list[list[str]]) -> None:
    known: dict[tuple[str, str, int], Clip] = {}
    for listed in history:
        for row in number_clips(map(clip, listed), known.values()):
            assert known.setdefault(row.key, row).name == row.name
    assert sorted(row.clip for row in known.values()) == list(range(len(known)))


@given(names, names, st.randoms(use_true_random=False))
def test_a_listing_that_was_written_in_part_is_completed_as_if_it_was_not(
    before: list[str], after: list[str], random: object
) -> None:
    known = number_clips(map(clip, before))
    listed = number_clips(map(clip, after), known)
    written = [row for row in listed if random.random() < 0.5]  # type: ignore[attr-defined]
    assert number_clips(map(clip, after), [*known, *(row for row in written if row not in known)]) == listed


@given(st.text(max_size=20), st.text(max_size=20))
def test_the_natural_order_is_total(one: str, other: str) -> None:
    assert (natural(one) < natural(other)) + (natural(other) < natural(one)) == (one != other)
