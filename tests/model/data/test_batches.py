"""Batches: the same pairs in the same order, however they are read."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from tcae.manifests.errors import ConfigError
from tcae.manifests.pairs import PairIndex
from tcae.manifests.workspace import Workspace
from tcae.model.data import batches
from tcae.model.data.batch import Batch, BrokenCount, TooManyBrokenError
from tcae.model.data.batches import LoaderConfig, fixed_batches, train_batches
from tcae.model.data.cache import faces_of
from tcae.model.data.faces import read_face
from tcae.model.data.sampler import Sampler, centre_crop, centred
from tcae.model.recipe import Recipe
from tests.recipe_builders import tiny_recipe
from tests.training_builders import make_training_workspace

HERE = LoaderConfig(workers=0)
SIDE = 16
"""At which faces are decoded for the tiny network."""


@pytest.fixture
def faces(workspace: Workspace) -> Workspace:
    return make_training_workspace(workspace, side=32)


def index_of(workspace: Workspace, split: str = "train") -> PairIndex:
    return PairIndex.open(workspace.manifest("pairs") / split)


def some(workspace: Workspace, recipe: Recipe | None = None, loader: LoaderConfig = HERE, **how: Any) -> list[Batch]:
    which = {"start_step": 0, "stop_step": 4} | how
    return list(train_batches(workspace, index_of(workspace), recipe or tiny_recipe(), loader, **which))


def assert_equal(one: list[Batch], other: list[Batch]) -> None:
    assert len(one) == len(other)
    for mine, yours in zip(one, other, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(mine[:3], yours[:3], strict=True))
        assert mine.broken == yours.broken


def joined(*parts: Batch) -> Batch:
    crops, labels = (torch.cat(some) for some in zip(*(part[1:3] for part in parts), strict=True))
    faces = torch.cat([part.faces for part in parts], dim=1)
    return Batch(faces, crops, labels, [text for part in parts for text in part.broken])


def wanted(workspace: Workspace, recipe: Recipe, step: int) -> Batch:
    """A batch the obvious way: its samples one after another."""
    sampler = Sampler(index_of(workspace), recipe)
    samples = [sampler.sample(step * recipe.batch_size + number) for number in range(recipe.batch_size)]
    faces = [[read_face(sample.faces[i].path(workspace), SIDE) for sample in samples] for i in (0, 1)]
    crops = torch.tensor([sample.crops for sample in samples])
    return Batch(torch.from_numpy(np.array(faces)), crops, torch.zeros(len(samples), 0), [])


def test_a_batch_is_its_samples_in_order(faces: Workspace) -> None:
    recipe = tiny_recipe()
    made = some(faces, recipe)
    assert_equal(made, [wanted(faces, recipe, step) for step in range(4)])
    assert (made[0].faces.shape, made[0].faces.dtype) == ((2, 4, SIDE, SIDE, 3), torch.uint8)
    assert (made[0].crops.shape, made[0].crops.dtype) == ((4, 2, 4), torch.int16)


def test_workers_change_nothing(faces: Workspace) -> None:
    broken = next(face.path(faces) for face in faces_of(index_of(faces)))
    broken.write_bytes(b"no picture")
    alone = some(faces, tiny_recipe(batch_size=20))  # two chunks a batch
    state = torch.get_rng_state()
    assert_equal(some(faces, tiny_recipe(batch_size=20), LoaderConfig(workers=2)), alone)
    assert torch.equal(torch.get_rng_state(), state)
    assert any(batch.broken for batch in alone)


def test_a_cache_changes_nothing_and_says_what_it_takes(faces: Workspace) -> None:
    broken = next(face.path(faces) for face in faces_of(index_of(faces)))
    broken.write_bytes(b"no picture")
    told: list[str] = []
    ram = LoaderConfig(workers=0, cache="ram")
    assert_equal(some(faces, None, ram, tell=told.append), some(faces))
    assert len(told) == 1
    assert told[0].startswith("--cache ram: 16 faces of 16 px take 0.00 GB of the free ")


def test_a_cache_reads_each_face_once(faces: Workspace) -> None:
    made = train_batches(
        faces,
        index_of(faces),
        tiny_recipe(),
        LoaderConfig(workers=0, cache="ram"),
        start_step=0,
        stop_step=4,
        tell=lambda line: None,
    )
    wished = some(faces)
    for path in (faces.root / "faces").rglob("*.jpg"):
        path.unlink()
    assert_equal(list(made), wished)


def test_a_cache_that_is_too_large_is_told_and_left_out(faces: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1e4))
    told: list[str] = []
    assert_equal(some(faces, None, LoaderConfig(workers=0, cache="ram"), tell=told.append), some(faces))
    assert told == [
        "--cache ram: 16 faces of 16 px take 0.00 GB, more than half of the free 0.00 GB; "
        "faces are read from their files instead"
    ]


def test_starting_later_is_skipping(faces: Workspace) -> None:
    assert_equal(some(faces, start_step=2), some(faces)[2:])
    assert some(faces, start_step=4) == []


def test_two_processes_side_by_side_are_one(faces: Workspace) -> None:
    first, second = (some(faces, rank=rank, world=2) for rank in (0, 1))
    assert first[0].num == 2
    assert_equal([joined(*halves) for halves in zip(first, second, strict=True)], some(faces))


@pytest.mark.parametrize("batch_size", [3, 4, 9])
def test_chunks_are_joined_in_order(faces: Workspace, monkeypatch: pytest.MonkeyPatch, batch_size: int) -> None:
    recipe = tiny_recipe(batch_size=batch_size)
    whole = some(faces, recipe)
    monkeypatch.setattr(batches, "CHUNK", 3)
    assert_equal(some(faces, recipe), whole)
    assert [batch.num for batch in whole] == [batch_size] * 4


def test_a_broken_face_is_replaced_and_named(faces: Workspace) -> None:
    before = some(faces, stop_step=8)
    gone, torn = [face.path(faces) for face in faces_of(index_of(faces))][:2]
    gone.unlink()
    torn.write_bytes(b"")
    made = some(faces, stop_step=8)
    messages = {message for batch in made for message in batch.broken}
    assert messages == {
        f"{gone} cannot be read: No such file or directory",
        f"{torn} is not a picture that OpenCV can decode (0 bytes)",
    }
    assert all(batch.num == 4 for batch in made)
    same = [torch.equal(a.faces, b.faces) for a, b in zip(before, made, strict=True)]
    assert same == [not batch.broken for batch in made]


def test_a_replacement_is_the_next_attempt(faces: Workspace) -> None:
    recipe = tiny_recipe(batch_size=1)
    sampler = Sampler(index_of(faces), recipe)
    sampler.sample(0).faces[0].path(faces).unlink()
    (batch,) = some(faces, recipe, stop_step=1)
    attempt = next(a for a in range(20) if all(face.path(faces).is_file() for face in sampler.sample(0, a).faces))
    sample = sampler.sample(0, attempt)
    assert torch.equal(batch.faces[0, 0], torch.from_numpy(read_face(sample.faces[0].path(faces), SIDE)))
    assert batch.crops[0].tolist() == [list(crop) for crop in sample.crops]
    assert len(batch.broken) == attempt


def test_an_identity_without_a_readable_face_is_replaced_by_the_next(faces: Workspace) -> None:
    index = index_of(faces)
    lost, kept = index.identity_names
    for face in faces_of(index):
        if face.identity == lost:
            face.path(faces).unlink()
    left = [read_face(face.path(faces), SIDE) for face in faces_of(index) if face.identity == kept]
    for batch in some(faces):
        assert all(any(np.array_equal(face, one) for one in left) for face in batch.faces[0].numpy())


def test_no_readable_face_at_all_is_an_error(faces: Workspace) -> None:
    for face in faces_of(index_of(faces)):
        face.path(faces).unlink()
    with pytest.raises(TooManyBrokenError, match=r"draws in a row cannot be read: .*img_.*No such file"):
        some(faces)


def batch_of(num: int, *broken: str) -> Batch:
    crops = torch.zeros(num, 2, 4, dtype=torch.int16)
    return Batch(torch.zeros(2, num, 1, 1, 3, dtype=torch.uint8), crops, torch.zeros(num, 0), list(broken))


def test_a_handful_of_broken_faces_never_stops_a_run() -> None:
    count = BrokenCount()
    for number in range(5):
        count.add(batch_of(1, f"face {number}"))
    assert (count.num_faces, len(count.messages)) == (15, 5)


def test_more_than_one_in_a_hundred_stops_a_run_and_names_three() -> None:
    count = BrokenCount()
    count.add(batch_of(297, *(f"face {number}" for number in range(6))))  # 6 of 600
    with pytest.raises(TooManyBrokenError) as caught:
        count.add(batch_of(0, "face 6"))
    assert str(caught.value) == (
        "7 of the 601 faces asked for cannot be read, more than 1%: face 0; face 1; face 2. "
        "See tcae-prep verify; align makes missing faces anew"
    )


def test_a_file_that_is_drawn_again_and_again_is_named_once() -> None:
    count = BrokenCount()
    count.add(batch_of(10_000))
    assert [count.add(batch_of(1, "one face", "one face")) for _ in range(3)] == [["one face"], [], []]
    assert count.num_broken == 6


def test_a_batch_that_cannot_be_shared_is_refused(faces: Workspace) -> None:
    with pytest.raises(ConfigError, match="a batch of 4 samples cannot be shared by 3 processes equally"):
        some(faces, world=3)


@pytest.mark.parametrize("wrong", [{"workers": -1}, {"prefetch": 0}, {"cache": "disk"}])
def test_nonsense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="workers >= 0, prefetch >= 1 and cache none or ram"):
        LoaderConfig(**wrong)


def fixed(workspace: Workspace, batch_size: int) -> Iterator[Batch]:
    recipe = tiny_recipe()
    samples = [centred(pair, recipe.view) for pair in index_of(workspace, "val").fixed_pairs()]
    return fixed_batches(workspace, samples, recipe, batch_size)


def test_fixed_pairs_come_in_their_order_with_centre_crops(faces: Workspace) -> None:
    pairs = index_of(faces, "val").fixed_pairs()
    made = list(fixed(faces, 3))
    assert len(pairs) == 8
    assert [batch.num for batch in made] == [3, 3, 2]
    whole = joined(*made)
    for which, part in enumerate(whole.faces):
        assert all(
            np.array_equal(face, read_face(pair[which].path(faces), SIDE))
            for face, pair in zip(part.numpy(), pairs, strict=True)
        )
    assert (whole.crops == torch.tensor(centre_crop(tiny_recipe().view))).all()
    assert whole.broken == []


def test_a_fixed_pair_with_a_broken_face_is_left_out_and_told(faces: Workspace) -> None:
    pairs = index_of(faces, "val").fixed_pairs()
    broken = pairs[0].target
    kept = [number for number, pair in enumerate(pairs) if broken not in pair]
    whole = joined(*fixed(faces, 3))
    broken.path(faces).write_bytes(b"no picture")
    left = joined(*fixed(faces, 3))
    assert torch.equal(left.faces, whole.faces[:, kept])
    assert torch.equal(left.crops, whole.crops[kept])
    assert len(left.broken) == 8 - len(kept)
    assert all(f"{broken.path(faces)} is not a picture" in message for message in left.broken)


def test_fixed_pairs_that_are_all_broken_are_empty_batches(faces: Workspace, tmp_path: Path) -> None:
    (faces.root / "faces").rename(tmp_path / "elsewhere")
    made = list(fixed(faces, 4))
    assert [batch.faces.shape for batch in made] == [(2, 0, SIDE, SIDE, 3)] * 2
    assert [batch.crops.shape for batch in made] == [(0, 2, 4)] * 2
    assert sum(len(batch.broken) for batch in made) == 8


def test_no_fixed_pairs_are_no_batches(faces: Workspace) -> None:
    assert list(fixed_batches(faces, [], tiny_recipe(), 4)) == []
