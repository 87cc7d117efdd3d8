from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.rows import Identity
from tcae.manifests.splits import SPLITS, SplitConfig, assign, parse_ratios, read_assignments, share_out
from tcae.manifests.tables import table_of, write_table

names = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=6), unique=True, max_size=40)
ratios = st.tuples(*[st.integers(0, 100)] * 3).filter(lambda three: sum(three) > 0)


def counts_of(splits: dict[str, str]) -> tuple[int, ...]:
    counted = Counter(splits.values())
    return tuple(counted[split] for split in SPLITS)


@pytest.mark.parametrize(
    ("total", "counts"),
    [
        (0, (0, 0, 0)),
        (1, (1, 0, 0)),
        (2, (2, 0, 0)),
        (3, (2, 1, 0)),
        (4, (3, 1, 0)),
        (5, (4, 1, 0)),  # 3.75 0.75 0.5: a tie of train and val would give val the first; both get one
        (10, (7, 2, 1)),  # 7.5 1.5 1: val wins the tie
        (100, (75, 15, 10)),
        (7363, (5522, 1105, 736)),  # 5522.25 1104.45 736.3
    ],
)
def test_identities_are_shared_out_by_largest_remainder(total: int, counts: tuple[int, int, int]) -> None:
    assert share_out(total, (75, 15, 10)) == counts


@pytest.mark.parametrize(
    ("total", "shares", "counts"),
    [
        (1, (1, 1, 1), (0, 1, 0)),
        (2, (1, 1, 1), (0, 1, 1)),
        (1, (1, 0, 1), (0, 0, 1)),
        (3, (0.1, 0.1, 0.1), (1, 1, 1)),
        (5, (0.7, 0.1, 0.2), (3, 1, 1)),  # 3.5 0.5 1: in floating point 0.7 * 5 / 1.0 would decide the tie
    ],
)
def test_ties_go_to_val_then_test(total: int, shares: tuple[float, float, float], counts: tuple[int, int, int]) -> None:
    assert share_out(total, shares) == counts


@given(st.integers(0, 10_000), ratios)
def test_shares_are_within_one_of_the_quota_and_sum_to_the_total(total: int, shares: tuple[int, int, int]) -> None:
    counts = share_out(total, shares)
    assert sum(counts) == total
    for count, share in zip(counts, shares, strict=True):
        assert abs(count * sum(shares) - total * share) < sum(shares)
        assert share or not count


@given(names, ratios, st.integers())
def test_every_identity_is_in_one_split_and_the_counts_are_exact(
    people: list[str], shares: tuple[int, int, int], seed: int
) -> None:
    splits = assign(people, SplitConfig(ratios=shares, seed=seed))
    assert splits.keys() == set(people)
    assert counts_of(splits) == share_out(len(people), shares)


@given(names, st.randoms(use_true_random=False))
def test_the_order_of_listing_does_not_matter(people: list[str], random: Any) -> None:
    shuffled = random.sample(people, len(people))
    assert assign(people, SplitConfig()) == assign(shuffled, SplitConfig())


def test_another_seed_is_another_split() -> None:
    people = [f"id{number:05d}" for number in range(100)]
    first, second = (assign(people, SplitConfig(seed=seed)) for seed in (0, 1))
    assert first != second
    assert counts_of(first) == counts_of(second) == (75, 15, 10)


def test_the_split_does_not_follow_the_names() -> None:
    people = [f"id{number:05d}" for number in range(1000)]
    splits = assign(people, SplitConfig())
    in_first_half = sum(splits[name] == "train" for name in people[:500])
    assert 335 < in_first_half < 415  # 375 +- 4 standard deviations of a draw without order


@given(names, names, ratios)
def test_with_keep_nothing_moves_when_the_data_grow(
    first: list[str], second: list[str], shares: tuple[int, int, int]
) -> None:
    config = SplitConfig(ratios=shares)
    before = assign(first, config)
    after = assign(first + second, config, kept=before)
    assert after.keys() == set(first) | set(second)
    assert {name: after[name] for name in first} == before


@given(st.integers(0, 60), st.integers(0, 60), ratios)
def test_growth_comes_as_near_to_the_ratios_as_the_kept_allow(
    num_before: int, num_new: int, shares: tuple[int, int, int]
) -> None:
    people = [f"id{number}" for number in range(num_before + num_new)]
    config = SplitConfig(ratios=shares)
    before = assign(people[:num_before], config)
    after = counts_of(assign(people, config, kept=before))
    wanted = share_out(len(people), shares)
    # share_out may take one back from a split when the total grows; then, and only then, one other split lacks it
    over = sum(max(0, have - want) for have, want in zip(counts_of(before), wanted, strict=True))
    assert sum(abs(have - want) for have, want in zip(after, wanted, strict=True)) == 2 * over


def test_new_identities_fill_the_largest_deficit() -> None:
    kept = {f"old{number}": "train" for number in range(10)}
    new = [f"new{number}" for number in range(4)]
    splits = assign([*kept, *new], SplitConfig(ratios=(50, 30, 20)), kept=kept)
    assert counts_of(splits) == (10, 3, 1)  # wanted 7 4 3: val lacks 4 and test 3, so val test are filled in turn


def test_kept_identities_that_are_gone_do_not_count() -> None:
    kept = {f"gone{number}": "train" for number in range(90)}
    people = [f"id{number}" for number in range(20)]
    assert assign(people, SplitConfig(), kept=kept) == assign(people, SplitConfig())


def test_official_test_identities_can_be_excluded() -> None:
    people = [f"id{number}" for number in range(14)]
    official = ["id3", "id5", "id7", "id11", "elsewhere"]
    splits = assign(people, SplitConfig(official_test="exclude"), official)
    assert {name for name, split in splits.items() if split == "excluded"} == {"id3", "id5", "id7", "id11"}
    assert counts_of(splits) == share_out(10, (75, 15, 10))
    assert counts_of(assign(people, SplitConfig(), official)) == share_out(14, (75, 15, 10))


def test_who_was_excluded_stays_excluded() -> None:
    splits = assign(["a", "b"], SplitConfig(), kept={"a": "excluded"})
    assert splits == {"a": "excluded", "b": "train"}


def test_excluding_who_was_trained_on_is_refused() -> None:
    config = SplitConfig(official_test="exclude")
    with pytest.raises(ConfigError, match="1 official test identities, a the first, were in train before"):
        assign(["a", "b"], config, ["a"], kept={"a": "train"})


@pytest.mark.parametrize(
    "shares", [(75, 25), (75, 15, 10, 0), (-1, 1, 1), (0, 0, 0), (float("nan"), 1, 1), (1, 1, 1e999)]
)
def test_ratios_that_are_no_shares_are_refused(shares: Any) -> None:
    with pytest.raises(ConfigError, match="must be three numbers of at least 0"):
        SplitConfig(ratios=shares)


def test_an_unknown_use_of_the_official_test_is_refused() -> None:
    with pytest.raises(ConfigError, match="'maybe' must be one of include, exclude"):
        SplitConfig(official_test="maybe")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "75", "75/25", "75/15/ten", "75:15:10", "1/2/3/4"])
def test_ratios_that_are_not_three_numbers_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="like 75/15/10"):
        parse_ratios(text)


def identity(name: str, split: str | None) -> Identity:
    return Identity(
        identity=name,
        split=split,
        official_split=None,
        num_videos=1,
        num_tracks=1,
        num_single_tracks=0,
        num_faces=2,
        reason=None if split else "no_pair",
    )


def test_earlier_assignments_are_read_from_a_table_its_folder_or_a_csv_file(tmp_path: Path) -> None:
    rows = [identity("a", "train"), identity("b", None), identity("c", "excluded")]
    write_table(table_of(rows, Identity), tmp_path / "identities" / "identities.parquet")
    csv = tmp_path / "kept.csv"
    csv.write_text("note,identity,split\nx,a,train\n,b,\n,c,excluded\n", encoding="utf-8-sig")
    for path in (tmp_path / "identities", tmp_path / "identities" / "identities.parquet", csv):
        assert read_assignments(path) == {"a": "train", "c": "excluded"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the columns must be identity,split, not None"),
        ("id,split\na,train\n", "line 1: the columns must be identity,split"),
        ("identity,split\na,train\nb,dev\n", "line 3: split 'dev' of b must be train, val, test or excluded"),
        ("identity,split\na,train\na,val\n", "line 3: identity a stands there a second time"),
        ("identity,split\n,train\n", "line 2: the identity has no name"),
        ("identity,split\nb\xff,train\n", "not a UTF-8 CSV file"),
    ],
)
def test_nonsense_in_a_csv_file_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "kept.csv"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ManifestError, match=message):
        read_assignments(path)


def test_nonsense_in_a_table_is_named_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "identities.parquet"
    write_table(table_of([identity("a", "train"), identity("b", "dev")], Identity), path)
    with pytest.raises(ManifestError, match=r"identities.parquet, row 2: split 'dev'"):
        read_assignments(path)


def test_nothing_to_keep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no earlier assignments; name an identities table"):
        read_assignments(tmp_path)
