"""How long a schedule would take on this machine, measured on a few made-up samples."""

import time

import torch

from tcae.manifests.errors import ConfigError
from tcae.model.data.batch import Batch
from tcae.model.data.sampler import centre_crop
from tcae.model.methods.catalogue import method_of
from tcae.model.recipe import FACE_PX, Recipe
from tcae.model.training.options import RunOptions
from tcae.model.training.step import Step

NUM_SAMPLES = 4
"""Of a measured step."""


def samples_per_second(recipe: Recipe, device: torch.device) -> float:
    """The pace of a recipe's step, from one step after one to warm up; a few seconds on a CPU."""
    step, num_faces = Step(method_of(recipe), device), recipe.draw.num_faces
    faces = torch.randint(0, 256, (num_faces, NUM_SAMPLES, FACE_PX, FACE_PX, 3), dtype=torch.uint8)
    crops = torch.tensor(centre_crop(recipe.view)).expand(NUM_SAMPLES, num_faces, -1)
    batch = Batch(faces, crops, torch.zeros(NUM_SAMPLES, len(recipe.labels.aus)), [])
    seconds = 0.0
    for _ in range(2):
        started = time.perf_counter()
        step(batch, recipe.curriculum.stages[0])
        seconds = time.perf_counter() - started
    return NUM_SAMPLES / seconds


def check_patience(recipe: Recipe, options: RunOptions, device: torch.device, num_identities: int) -> str | None:
    """Say how long the whole schedule of a recipe made for GPUs takes on a CPU.

    Returns:
        A sentence for the user; None where nobody needs one.

    Raises:
        ConfigError: neither the CPU nor an end was asked for.
    """
    if device.type != "cpu" or recipe.made_for == "cpu" or options.is_bounded:
        return None
    num_steps = recipe.num_steps(num_identities)
    pace = samples_per_second(recipe, device)
    sentence = (
        f"recipe {recipe.name} is made for a GPU: its {num_steps:,} steps of {recipe.batch_size} samples take about "
        f"{_in_words(num_steps * recipe.batch_size / pace)} on this CPU ({pace:.1f} samples/s)"
    )
    if options.device == "auto":
        raise ConfigError(f"{sentence}; use --recipe small, or --device cpu to do it all the same")
    return sentence


def _in_words(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:.0f} seconds"
