"""``tcae train``."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from tcae.cli.main import learn
from tcae.manifests.workspace import Workspace
from tcae.model.training import pace
from tcae.model.training.checkpoints import load
from tests.training_builders import make_training_workspace

TOML = """
batch_size = 4
steps = 20
least_steps = 2
val_pairs = 6

[network]
size = 8
trunk = [4]
branch = [6, 8]
decoder = [8, 6]

[curriculum]
patience = 1
"""
"""What makes a second's work of ``small``."""

LIMIT_SECONDS = 120


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def faces(workspace: Workspace) -> Workspace:
    make_training_workspace(workspace, side=32)
    (workspace.root / "tiny.toml").write_text(TOML)
    return workspace


def words(workspace: Workspace, *arguments: object) -> list[str]:
    return ["train", "--root", str(workspace.root), *map(str, arguments)]


def tiny(workspace: Workspace, *arguments: object) -> list[str]:
    config = workspace.root / "tiny.toml"
    how = ("--recipe", "small", "--config", config, "--device", "cpu", "--workers", 0, "--keep-every", 1000)
    return words(workspace, *how, *arguments)


def call(arguments: list[str]) -> Result:
    return CliRunner().invoke(learn, arguments)


def last_of(workspace: Workspace, run: str) -> dict[str, Any]:
    return load(workspace.root / "runs" / run / "checkpoints" / "last.pt", torch.device("cpu"))


def test_a_training_ends_with_what_it_left(faces: Workspace) -> None:
    result = call(tiny(faces))
    assert result.exit_code == 0, result.output
    folder = faces.root / "runs" / "small"
    steps, sheet, run = result.stdout.splitlines()
    assert steps.startswith("20 steps trained now, 20 of 20 done; val reconstruction 0.")
    assert sheet == f"What the method makes of some val faces: {folder / 'samples' / 'step-00000020.png'}"
    assert run == f"The run: {folder}; next: tcae probe --encoder small"
    first = result.stderr.splitlines()[0]
    assert first == (
        "run small: tcae, recipe small, on cpu (1 threads), fp32, 2 training identities, batches of 4, steps 0 to 20"
    )
    assert "step 2: val reconstruction 0." in result.stderr
    assert call(tiny(faces)).stdout.startswith("0 steps trained now, 20 of 20 done; ")


def test_bare_it_says_how_long_a_cpu_would_take_and_stops(faces: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "samples_per_second", lambda recipe, device: 2.0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = call(words(faces))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (  # 1,000 epochs of two identities
        "Error: recipe released is made for a GPU: its 31 steps of 64 samples take about 17 minutes on this CPU "
        "(2.0 samples/s); use --recipe small, or --device cpu to do it all the same\n"
    )
    assert not (faces.root / "runs").exists()


def test_settings_win_over_the_file_and_options_over_both(faces: Workspace) -> None:
    result = call(tiny(faces, "--set", "batch_size=8", "--set", "optimiser.lr=1e-5", "--batch-size", 2, "--steps", 1))
    assert result.exit_code == 0, result.output
    recipe = last_of(faces, "small")["recipe"]
    assert (recipe["batch_size"], recipe["optimiser"]["lr"], recipe["network"]["size"]) == (2, 1e-5, 8)
    assert recipe["steps"] == 20
    assert result.stdout.startswith("1 steps trained now, 1 of 1 done")


def test_never_resuming_takes_the_next_name(faces: Workspace) -> None:
    for _ in range(2):
        assert call(tiny(faces, "--stop-after", 1, "--resume", "never")).exit_code == 0
    assert call(tiny(faces, "--stop-after", 1)).stdout.startswith("1 steps trained now, 2 of 20 done")
    assert last_of(faces, "small")["step"] == 2
    assert last_of(faces, "small-2")["step"] == 1


def test_a_changed_recipe_is_refused_with_what_changed(faces: Workspace) -> None:
    call(tiny(faces, "--stop-after", 1))
    result = call(tiny(faces, "--set", "optimiser.lr=0.1"))
    assert result.exit_code == 1
    assert "optimiser.lr: 0.0005 -> 0.1" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "optimizer.lr=1"), "optimiser"),
        (("--set", "batch_size=many"), "batch_size"),
        (("--set", "batch_size"), "batch_size"),
        (("--config", "nowhere.toml"), "nowhere.toml"),
        (("--steps", 5, "--epochs", 2), "--steps 5 and --epochs 2 exclude each other"),
        (("--checkpoint-every", 0), "--checkpoint-every must be at least 1, not 0"),
        (("--workers", -1), "workers >= 0"),
        (("--run", "../other"), "../other"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_1(faces: Workspace, arguments: tuple[object, ...], message: str) -> None:
    result = call(tiny(faces, *arguments))
    assert result.exit_code == 1, result.output
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (faces.root / "runs").exists()


def test_without_pairs_it_names_the_command_that_makes_them(workspace: Workspace) -> None:
    result = call(words(workspace, "--device", "cpu", "--steps", 1))
    assert result.exit_code == 1
    assert "holds no pair index; run tcae-prep split first" in result.stderr


def test_the_help_shows_examples() -> None:
    result = call(["train", "--help"])
    assert result.exit_code == 0
    assert "  tcae train --recipe small --steps 1000\n" in result.stdout
    assert "  torchrun --nproc-per-node 8 --no-python tcae train --recipe fast\n" in result.stdout


def test_a_run_that_was_killed_goes_on_and_ends_like_one_that_was_not(faces: Workspace) -> None:
    length = ("--set", "steps=150", "--set", "least_steps=10", "--checkpoint-every", 5)
    last = faces.root / "runs" / "killed" / "checkpoints" / "last.pt"
    with subprocess.Popen(
        [Path(sys.executable).parent / "tcae", *tiny(faces, *length, "--run", "killed")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("step 20:"):
                running.kill()
                break
        running.communicate(timeout=LIMIT_SECONDS)
    assert running.returncode == -9
    reached = last_of(faces, "killed")["step"]
    assert 5 <= reached < 150

    result = call(tiny(faces, *length, "--run", "killed"))
    assert f"resumed from {last} at step {reached}\n" in result.stderr
    assert result.stdout.startswith(f"{150 - reached} steps trained now, 150 of 150 done")

    assert call(tiny(faces, *length, "--run", "undisturbed")).exit_code == 0
    one, other = (last_of(faces, run)["model"] for run in ("killed", "undisturbed"))
    assert all(torch.equal(value, other[name]) for name, value in one.items())
