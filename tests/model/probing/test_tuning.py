"""Fine-tuning of one fold: what is trained, on whom, and that nothing else decides."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.model.methods.noisy import Noisy
from tcae.model.probing.tuning import Pictures, Start, TuneConfig, Tuned, logits_of, tuned
from tcae.model.recipe import ViewConfig
from tcae.model.recipes.noisy import NoisyNetwork

NUM = 12
FAST = TuneConfig(steps=8, batch_size=4, lr=3e-3, drop=0.0)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    """Twelve noisy faces, the odd ones bright."""
    folder, rng = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    for number in range(NUM):
        face = rng.integers(0, 100, (16, 16, 3)) + 150 * (number % 2)
        cv2.imwrite(str(folder / f"{number}.png"), face.astype(np.uint8))
    return Pictures(paths=[folder / f"{number}.png" for number in range(NUM)], read=Path.read_bytes)


@pytest.fixture
def start() -> Start:
    network = NoisyNetwork(size=8, channels=(4, 6), layers=(1, 2), hidden=8, drop_block=0.0, drop_hidden=0.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = Noisy.encoder_of(network)
    view = ViewConfig(smallest_px=220)
    return Start(encoder=encoder, embedding="face", width=8, size=8, view=view, device=torch.device("cpu"))


def bright() -> NDArray[np.int8]:
    """Whether a face is bright, and the opposite."""
    odd = np.arange(NUM) % 2
    return np.stack([odd, 1 - odd], 1).astype(np.int8)


def those(*rows: int) -> NDArray[np.bool_]:
    return np.isin(np.arange(NUM), rows)


def logits(start: Start, pictures: Pictures, labels: NDArray[np.int8], fitted: NDArray[np.bool_], **how: int) -> object:
    model = tuned(start, pictures, labels, fitted, replace(FAST, **how))
    return logits_of(model, start, pictures, those(*range(NUM)), 1)[1].tolist()


def test_what_the_labels_say_is_learned_and_told_of_faces_that_were_not_fitted_on(
    start: Start, pictures: Pictures
) -> None:
    model = tuned(start, pictures, bright(), those(*range(8)), replace(FAST, steps=50))
    found, scores = logits_of(model, start, pictures, those(8, 9, 10, 11), 1)
    assert np.flatnonzero(found).tolist() == [8, 9, 10, 11]
    assert ((scores > 0) == (bright()[8:] == 1)).all()


def test_every_weight_learns_and_the_encoder_that_was_given_stays(start: Start, pictures: Pictures) -> None:
    before = {name: weight.clone() for name, weight in start.encoder.state_dict().items()}
    model = tuned(start, pictures, bright(), those(*range(8)), FAST)
    assert all(torch.equal(weight, before[name]) for name, weight in start.encoder.state_dict().items())
    moved = [name for name, weight in model.encoder.state_dict().items() if not torch.equal(weight, before[name])]
    assert len(moved) > len(before) // 2  # a dead ReLU may keep some


def test_a_frozen_encoder_learns_too(start: Start, pictures: Pictures) -> None:
    start.encoder.requires_grad_(False)
    model = tuned(start, pictures, bright(), those(*range(8)), FAST)
    assert all(weight.requires_grad for weight in model.parameters())
    assert not any(weight.requires_grad for weight in start.encoder.parameters())


def test_the_scored_faces_and_their_labels_teach_nothing(start: Start, pictures: Pictures) -> None:
    fitted, labels = those(0, 1, 2, 3, 4, 5), bright()
    other = labels.copy()
    other[6:] = 1 - other[6:]
    assert logits(start, pictures, labels, fitted) == logits(start, pictures, other, fitted)


def test_a_missing_label_teaches_nothing(start: Start, pictures: Pictures) -> None:
    labels = bright()
    labels[:, 1] = -1
    with torch.random.fork_rng():
        torch.manual_seed(0)
        fresh = Tuned(start, 2, 0.0).classifier
    learned = tuned(start, pictures, labels, those(*range(8)), FAST).classifier
    assert torch.equal(learned.bias[1], fresh.bias[1])
    assert not torch.equal(learned.bias[0], fresh.bias[0])


def test_the_seed_and_the_fold_decide_and_the_callers_generator_does_not(start: Start, pictures: Pictures) -> None:
    fitted = those(*range(8))
    torch.manual_seed(1)
    once = logits(start, pictures, bright(), fitted)
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert logits(start, pictures, bright(), fitted) == once
    assert logits(start, pictures, bright(), fitted, seed=1) != once
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)
    other = tuned(start, pictures, bright(), fitted, FAST, fold=1)
    assert logits_of(other, start, pictures, those(*range(NUM)), 1)[1].tolist() != once


def test_faces_that_cannot_be_read_are_neither_learned_from_nor_scored(start: Start, pictures: Pictures) -> None:
    paths = [Path("gone.png") if number in (0, 9) else path for number, path in enumerate(pictures.paths)]
    broken = replace(pictures, paths=paths)
    model = tuned(start, broken, bright(), those(*range(8)), FAST)
    found, scores = logits_of(model, start, broken, those(8, 9, 10, 11), 1)
    assert np.flatnonzero(found).tolist() == [8, 10, 11]
    assert scores.shape == (3, 2)
    assert np.isfinite(scores).all()


def test_without_a_label_nothing_can_be_learned(start: Start, pictures: Pictures) -> None:
    with pytest.raises(ConfigError, match="no face of the fold has a label"):
        tuned(start, pictures, np.full((NUM, 2), -1, np.int8), those(0, 1), FAST)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TuneConfig(steps=0), "steps, batch_size and threads are at least 1"),
        (lambda: TuneConfig(lr=0), "lr is positive"),
        (lambda: TuneConfig(drop=1), r"drop is in \[0, 1\)"),
        (lambda: TuneConfig(mirrored=2), r"mirrored in \[0, 1\]"),
    ],
)
def test_nonsense_is_refused_with_what_would_be_right(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
