from dataclasses import replace

import pytest
import torch

from tcae.manifests.errors import ConfigError
from tcae.model.training.options import RunOptions
from tcae.model.training.pace import check_patience, samples_per_second
from tests.recipe_builders import tiny_recipe

CPU = torch.device("cpu")
FOR_GPU = replace(tiny_recipe(), name="big", made_for="gpu", steps=10**9)


def test_the_pace_is_measured() -> None:
    assert samples_per_second(tiny_recipe(), CPU) > 0


def test_a_schedule_for_gpus_is_not_begun_on_a_cpu_unasked() -> None:
    with pytest.raises(
        ConfigError,
        match=r"recipe big is made for a GPU: its 1,000,000,000 steps of 4 samples take about [\d,]+ \w+ on this CPU "
        r"\([\d.]+ samples/s\); use --recipe small, or --device cpu to do it all the same",
    ):
        check_patience(FOR_GPU, RunOptions(), CPU, 10)


def test_who_types_cpu_is_told_the_time() -> None:
    assert "samples/s" in (check_patience(FOR_GPU, RunOptions(device="cpu"), CPU, 10) or "")


@pytest.mark.parametrize("options", [RunOptions(steps=5), RunOptions(stop_after=5)])
def test_who_said_how_long_is_asked_nothing(options: RunOptions) -> None:
    assert check_patience(FOR_GPU, options, CPU, 10) is None


def test_a_recipe_for_cpus_needs_no_patience() -> None:
    assert check_patience(tiny_recipe(), RunOptions(), CPU, 10) is None
