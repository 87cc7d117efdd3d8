"""Pictures have one name each, whatever their path; numbers are read out of file names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcae.pipeline.datasets.keys import number_in, picture_identity
from tcae.pipeline.trees.names import check_name


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("Image/aligned/train_1_aligned.jpg", "Image-aligned-train_1_aligned"),
        ("a.jpg", "a"),
        ("./a/b.c.png", "a-b.c"),
        (".hidden.jpg", "_hidden"),
        ("two\nlines.jpg", "two_lines"),
        ("cafe\u0301.jpg", "caf\u00e9"),
    ],
)
def test_a_picture_is_named_by_its_folders_and_its_stem(path: str, identity: str) -> None:
    assert picture_identity(path) == identity


def test_long_paths_keep_apart_and_fit() -> None:
    long = "/".join(["\u00e9" * 60] * 4)
    first, second = picture_identity(f"{long}/1.jpg"), picture_identity(f"{long}/2.jpg")
    assert first != second
    assert max(len(first.encode()), len(second.encode())) <= 255


@given(st.lists(st.text(min_size=1, max_size=90), min_size=1, max_size=5))
def test_every_path_gives_a_name_that_a_workspace_takes(parts: list[str]) -> None:
    assert check_name(picture_identity("/".join(["folder", *parts, "1.jpg"]))) is None


@pytest.mark.parametrize(
    ("name", "number"),
    [("0001.jpg", 1), ("frame_00003_rgb.png", 3), ("RightVideoSN005_00003268.jpg", 3268), ("face.jpg", None)],
)
def test_the_last_number_of_a_stem_counts(name: str, number: int | None) -> None:
    assert number_in(name) == number
