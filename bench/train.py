"""Our training step against a plain one that does what the released code does; loading, embedding, and the floor.

    python bench/train.py [--device cpu|cuda] [--batch-size N] [--steps N] [--rounds 5] [--size 256|64]

All ways take turns in one run on the same faces, which lie on the device; the figures are medians over rounds, the
ratios medians of each round's ratio. The plain step (``plain.py``) gets its faces cropped and as float, ours crops
them itself. Then the fastest step with batches read from JPEG files (written for the purpose) against the same step
with faces on the device; faces embedded a second; and the floor: what the machine can do (matrix products, the
network's convolutions, copying) against what a pair asks of it. ``--compile`` adds compiled steps, as a GPU does by
itself. The last line is how many times faster our step is that does the same work in bfloat16.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from ceilings import COPIED, asked, best_of, ceilings, wait
from facefiles import made_face, make_workspace
from plain import PlainStep

from tcae.manifests.pairs import PairIndex
from tcae.manifests.workspace import Workspace
from tcae.model.data.batch import Batch
from tcae.model.data.batches import LoaderConfig, train_batches
from tcae.model.data.faces import decoded_side
from tcae.model.data.views import view
from tcae.model.encoders.face_encoder import FaceEncoder
from tcae.model.encoders.reading import face_files, read_ahead
from tcae.model.methods.tcae import TCAE
from tcae.model.recipe import Recipe
from tcae.model.recipes.tcae import FAST, RELEASED, SMALL, TCAENetwork
from tcae.model.training.devices import device_of, name_of, set_up
from tcae.model.training.step import Step

STAGE = (0.0, 0.5)
PLAIN, FLOAT, HALF, QUICK = "plain", "released, float32", "released, bf16", "fast"

Ways: TypeAlias = dict[str, Callable[[], object]]
Rates: TypeAlias = dict[str, list[float]]
"""Things a second of each round."""


@dataclass(frozen=True)
class Setting:
    """What is measured, and on what."""

    device: torch.device
    network: TCAENetwork
    batch_size: int
    steps: int
    rounds: int
    workers: int
    compiled: bool

    @property
    def is_gpu(self) -> bool:
        """Whether there is a GPU to wait for."""
        return self.device.type == "cuda"


def made_batch(setting: Setting) -> Batch:
    """Pairs of 256 px, on the device."""
    faces = torch.stack([torch.from_numpy(made_face(seed)) for seed in range(16)]).to(setting.device)
    number = torch.arange(setting.batch_size, device=setting.device)
    crops = torch.tensor([[20, 24, 210, 0], [26, 18, 210, 0]], device=setting.device).expand(setting.batch_size, 2, 4)
    pair = torch.stack([faces[number % 16], faces[(number + 1) % 16]])
    return Batch(pair, crops, torch.zeros(setting.batch_size, 0), [])


def steps_of(setting: Setting) -> dict[str, Step]:
    """Our steps by name, each with a network of its own."""
    recipes = {FLOAT: RELEASED, HALF: replace(RELEASED, precision="bf16"), QUICK: FAST}
    steps = {name: new_step(setting, recipe) for name, recipe in recipes.items()}
    if setting.compiled:
        steps |= {f"{name}, compiled": new_step(setting, recipes[name], True) for name in (FLOAT, HALF, QUICK)}
    return steps


def new_step(setting: Setting, recipe: Recipe, compiled: bool = False) -> Step:
    """A step with a network of its own, whose widths are the setting's."""
    recipe = replace(recipe, network=setting.network)
    return Step(TCAE(recipe), setting.device, compile=compiled)


def measure(ways: Ways, num: int, setting: Setting) -> Rates:
    """Let the ways take turns; things a second, of which a call does ``num``."""
    rates: Rates = {name: [] for name in ways}
    for number in range(setting.rounds + 1):
        for name, call in ways.items():
            if number == 0:  # warms up, and compiles
                call()
            wait(setting.device)
            start = time.perf_counter()
            for _ in range(setting.steps if number else 1):
                call()
            wait(setting.device)
            if number:
                rates[name].append(num * setting.steps / (time.perf_counter() - start))
    return rates


def ratio(rates: Rates, one: str, other: str) -> float:
    """How many times faster one way is than another: the median over rounds."""
    return statistics.median(ours / theirs for ours, theirs in zip(rates[one], rates[other], strict=True))


def tell(rates: Rates, base: str, unit: str) -> None:
    """A line for each way: median, range, and how many times faster than ``base`` it is."""
    for name, values in rates.items():
        spread = f"{min(values):,.1f} to {max(values):,.1f}"
        print(f"{name:28} {statistics.median(values):10,.1f} {unit} ({spread}) {ratio(rates, name, base):6.2f} times")


def compare_steps(setting: Setting, steps: Mapping[str, Step]) -> tuple[Rates, Ways]:
    """The steps against the plain one."""
    batch = made_batch(setting)
    seen = [view(faces, batch.crops[:, k], setting.network.size).contiguous() for k, faces in enumerate(batch.faces)]
    plain = PlainStep(TCAE(replace(RELEASED, network=setting.network)), setting.device)
    ways: Ways = {PLAIN: lambda: plain(*seen, *STAGE)}
    for name, step in steps.items():
        ways[name] = lambda step=step: step(batch, STAGE)
    return measure(ways, setting.batch_size, setting), ways


def tell_loading(setting: Setting, workspace: Workspace, step: Step) -> None:
    """The step on batches from files and on faces on the device, in turn; the loader alone."""
    index = PairIndex.open(workspace.manifest("pairs") / "train")
    recipe = replace(step.recipe, batch_size=setting.batch_size)
    loader = LoaderConfig(workers=setting.workers)
    skipped, timed = (60, 200) if setting.is_gpu else (6, 10)
    made = made_batch(setting)

    def from_files(learn: bool) -> float:
        """Pairs a second after the first steps, which find batches that were read ahead."""
        batches = train_batches(
            workspace, index, recipe, loader, start_step=0, stop_step=skipped + timed, pin=setting.is_gpu
        )
        start = 0.0
        for number, batch in enumerate(batches):
            if number == skipped:
                wait(setting.device)
                start = time.perf_counter()
            if learn:
                step(batch, STAGE)
        wait(setting.device)
        return timed * setting.batch_size / (time.perf_counter() - start)

    def from_device() -> float:
        start = time.perf_counter()
        for _ in range(timed):
            step(made, STAGE)
        wait(setting.device)
        return timed * setting.batch_size / (time.perf_counter() - start)

    rates: Rates = {"faces on the device": [], "faces from JPEG files": [], "the loader alone": []}
    for _ in range(3):
        for name, value in zip(rates, (from_device(), from_files(True), from_files(False)), strict=True):
            rates[name].append(value)
    print(f"\n{QUICK} fed by {setting.workers} workers")
    tell(rates, "faces on the device", "pairs/s")


def tell_embedding(setting: Setting, workspace: Workspace) -> None:
    """Faces on the device, embedded in both precisions; from files; and reading the files alone."""
    network, view_config = setting.network, RELEASED.view
    encoder = FaceEncoder(
        TCAE.encoder_of(network),
        method="tcae",
        network=network,
        view=view_config,
        template="made",
        device=setting.device,
    )
    files, side = face_files(workspace.root / "faces", recursive=True), decoded_side(network.size)
    size = 1024 if setting.is_gpu else 32
    files = files[: len(files) // size * size]
    faces = made_batch(replace(setting, batch_size=len(files))).faces[0]

    def from_files(embed: bool) -> None:
        batches = ((start, files[start : start + size]) for start in range(0, len(files), size))
        for _, batch in read_ahead(batches, side, batch_size=size, threads=setting.workers):
            if embed:
                encoder.embed(np.stack([face for face in batch if isinstance(face, np.ndarray)]), size, "bf16")

    ways: Ways = {
        "float32": lambda: encoder.embed(faces, size, "fp32"),
        "bf16": lambda: encoder.embed(faces, size, "bf16"),
        "bf16, from JPEG files": lambda: from_files(True),
        "reading the files alone": lambda: from_files(False),
    }
    print(f"\nembedding {len(files)} faces, {size} at a time, on the device where nothing else is said")
    tell(measure(ways, len(files), replace(setting, steps=1)), "float32", "faces/s")


def tell_floor(setting: Setting, ways: Ways, rates: Rates, most: Mapping[str, float]) -> None:
    """What the machine can do, what a pair asks for, and how far each step is from the floor."""
    print("\nthe machine: " + ", ".join(f"{name} {value / 1e9:,.0f} G/s" for name, value in most.items()))
    for name, dtype in ((PLAIN, "float32"), (FLOAT, "float32"), (HALF, "bfloat16"), (QUICK, "bfloat16")):
        flops, moved, least = (value / setting.batch_size for value in asked(ways[name]))
        can = max(value for key, value in most.items() if key.startswith(dtype))
        floor = 1 / max(flops / can, least / most[COPIED])
        print(
            f"{name:20} {flops / 1e9:.1f} GFLOP a pair ({can / flops:,.1f} pairs/s), {moved / 1e9:.2f} GB as run, "
            f"{least / 1e9:.2f} GB were all but convolutions fused ({most[COPIED] / least:,.1f} pairs/s): floor "
            f"{floor:,.1f}, reached {statistics.median(rates[name]) / floor:.0%}"
        )


def cpu_name() -> str:
    """The processor in words, where the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def read_setting() -> Setting:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch-size", type=int, help="[default: 64 on a GPU, else 8]")
    parser.add_argument("--steps", type=int, help="Of a way before the next one's turn. [default: 10 on a GPU, else 1]")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, choices=(256, 64), default=256)
    parser.add_argument("--workers", type=int, help="That read files. [default: cores, at least 2]")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, help="[default: on a GPU]")
    options = parser.parse_args()
    device = device_of(options.device)
    is_gpu = device.type == "cuda"
    return Setting(
        device=device,
        network=SMALL.network if options.size == 64 else RELEASED.network,
        batch_size=options.batch_size or (64 if is_gpu else 8),
        steps=options.steps or (10 if is_gpu else 1),
        rounds=options.rounds,
        workers=options.workers or max(2, os.cpu_count() or 1),
        compiled=is_gpu if options.compile is None else options.compile,
    )


def main() -> None:
    """Measure and print."""
    setting = read_setting()
    set_up(setting.device)
    load = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {cpu_name()}, {load}, {name_of(setting.device)}")
    print(
        f"Python {platform.python_version()}, torch {torch.__version__}; {setting.batch_size} pairs a step, "
        f"{setting.network.size} px, {setting.rounds} rounds of {setting.steps}\n"
    )
    before = ceilings(setting.device)
    steps = steps_of(setting)
    rates, ways = compare_steps(setting, steps)
    tell(rates, PLAIN, "pairs/s")
    with tempfile.TemporaryDirectory() as name:
        workspace = Workspace(Path(name))
        kilobytes = make_workspace(workspace, *((64, 64) if setting.is_gpu else (20, 16)))
        print(f"\nfiles of {kilobytes:.1f} kB")
        tell_loading(setting, workspace, steps[QUICK])
        tell_embedding(setting, workspace)
    tell_floor(setting, ways, rates, best_of(before, ceilings(setting.device)))
    print(f"load at the end {os.getloadavg()[0]:.1f}")
    print(f"ratio {ratio(rates, HALF, PLAIN):.2f}")


if __name__ == "__main__":
    main()
