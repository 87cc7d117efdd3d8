"""Samples in time: an anchor, its sibling, and faces ever later in the same track."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tcae.manifests.errors import ConfigError
from tcae.manifests.pairs import PairIndex
from tcae.model.data.draws import drawn
from tcae.model.data.sampler import Sampler, centre_crop, fixed_samples
from tcae.model.recipe import DrawConfig
from tcae.model.recipes.temporal import RELEASED
from tests.pair_builders import Tree, write_index

TIMES = DrawConfig(kind="times", num_faces=12)
TREE: Tree = {"long": {"v": [30, 5], "w": [12]}, "short": {"v": [11, 3]}, "longer": {"v": [40]}}


@pytest.fixture
def index(tmp_path: Path) -> PairIndex:
    return PairIndex.open(write_index(tmp_path, TREE))


@pytest.mark.parametrize(
    ("config", "after"),
    [
        (TIMES, list(range(12))),
        (DrawConfig(kind="times", num_faces=12, spacing=2), [0, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21]),
        (DrawConfig(kind="times", num_faces=4, spacing=5), [0, 1, 6, 11]),
    ],
)
def test_a_sample_is_anchor_sibling_and_then_every_spacing(
    config: DrawConfig, after: list[int], index: PairIndex
) -> None:
    """models.md section 4: t, t + 1, t + 1 + i k."""
    longer = index.identity_names.index("longer")
    rng = np.random.default_rng(1)
    for _ in range(40):
        faces = [face for face, is_mirrored in drawn(index, longer, rng, config, "tracks") if not is_mirrored]
        assert len({face.key for face in faces}) == 1
        places = [(face.frame - 1) // 2 for face in faces]  # a track's frames are 1, 3, 5 ...
        assert [place - places[0] for place in places] == after


def test_every_anchor_that_leaves_room_is_drawn(index: PairIndex) -> None:
    whose = index.identity_names.index("long")
    rng = np.random.default_rng(2)
    anchors = Counter(
        (face.video, face.clip, face.frame)
        for face, _ in (drawn(index, whose, rng, TIMES, "tracks")[0] for _ in range(600))
    )
    assert set(anchors) == {("v", 0, 1 + 2 * place) for place in range(30 - 11)} | {("w", 0, 1)}


def test_an_identity_without_a_long_track_leaves_its_turn_to_the_next(index: PairIndex) -> None:
    short = index.identity_names.index("short")
    follows = index.identity_names[(short + 1) % 3]
    rng = np.random.default_rng(3)
    assert {drawn(index, short, rng, TIMES, "tracks")[0][0].identity for _ in range(20)} == {follows}


def test_where_no_track_is_long_enough_the_message_says_what_to_do(index: PairIndex) -> None:
    config = DrawConfig(kind="times", num_faces=12, spacing=4)
    with pytest.raises(ConfigError, match=r"no track has the 42 faces that a sample needs; extract at a higher --fps"):
        drawn(index, 0, np.random.default_rng(4), config, "tracks")


def test_faces_of_a_video_are_in_no_order_of_time(tmp_path: Path) -> None:
    index = PairIndex.open(write_index(tmp_path, TREE, within="video"))
    with pytest.raises(ConfigError, match=r"samples in time lie within a track; run tcae-prep split --within track"):
        drawn(index, 0, np.random.default_rng(5), TIMES, "tracks")


def test_all_faces_are_cropped_alike_in_size_and_each_in_its_own_place(index: PairIndex) -> None:
    sampler = Sampler(index, RELEASED)
    samples = [sampler.sample(number) for number in range(20)]
    crops = [crop for sample in samples for crop in sample.crops]
    assert {crop.side for crop in crops} == {213}
    assert all(len({(crop.x, crop.y) for crop in sample.crops}) > 6 for sample in samples)
    edge = centre_crop(RELEASED.view).x
    assert {crop.x - edge for crop in crops} == set(range(12))


def test_val_is_the_same_whatever_the_seed_and_seen_in_its_centre(index: PairIndex) -> None:
    one, other = (fixed_samples(index, replace(RELEASED, seed=seed), 10) for seed in (0, 7))
    assert one == other
    assert len(one) == 10
    assert {crop for sample in one for crop in sample.crops} == {centre_crop(RELEASED.view)}
