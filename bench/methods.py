"""Every method on the same heads: trained with as many faces, probed alike.

    python bench/methods.py [--root FOLDER] [--times-root FOLDER] [--faces 128000] [--seeds 0,1]
                            [--methods tcae,fabnet,noisy:small-vgg13] [--set KEY=VALUE] [--tag NAME]
                            [--device auto] [--precision bf16] [--jobs 1] [--out FOLDER] [--table]

Training faces are samples times the faces of one (two of a pair, twelve of a clip), so a method that needs several for
a step makes fewer steps. Each encoder is frozen after its last step and probed by the product's own probe: fitted on
the identities of train, scored on those of val and test, which no method was trained on. Every embedding has a row, and
all of an encoder beside each other where there are several; the same of the encoder before its first step; and the
pixels. ``--times-root`` has the same identities at 25 fps for the method that learns from time; without it that method
learns from --root too. Without ``--root`` both are rendered first, into the checkout's workspace. Seconds are those of
a training with its validations and sheets, beside as many others as --jobs says. What is there is not done again:
trainings go on from their last checkpoint, and scores are kept, one file for each run. ``--set`` (with a ``--tag``,
which names the runs) gives all methods named the same change; ``--table`` only writes the tables of what is there.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from methodscores import Score, scores_of, scores_of_pixels, write_tables

from tcae.manifests.splits import read_assignments
from tcae.manifests.workspace import Workspace, written_whole
from tcae.model.data.batches import LoaderConfig
from tcae.model.overrides import overridden, parse_setting
from tcae.model.probing.encoders import probed, untrained
from tcae.model.recipe import Recipe
from tcae.model.recipes.catalogue import RECIPES, recipe_named
from tcae.model.train import train
from tcae.model.training.options import RunOptions
from tcae.model.training.runs import run_folder

AFTER = {"facecycle:small-two": "facecycle:small"}
"""Recipes that begin with what another one of the same seed has learned; they get half as many faces on top of its."""

PIXELS = "pixels"
"""The file of the scores that no training changes."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training, and what is done with it."""

    entry: str
    """``method:recipe``."""
    seed: int
    faces: int
    """To train with, over all steps."""
    root: Path
    """Where its faces and its run are."""
    scored: Path
    """Where the faces are that it is probed on."""
    out: Path
    settings: tuple[str, ...] = ()
    tag: str = ""
    device: Any = "auto"
    workers: int = 2
    cache: Any = "ram"
    draws: int = 1000

    @property
    def name(self) -> str:
        """Of the run, and of the file with its scores."""
        return "-".join(["bench", *filter(None, [self.tag]), *self.entry.split(":"), f"{self.faces}", f"s{self.seed}"])

    @property
    def scores(self) -> Path:
        """The file with its scores."""
        return self.out / f"{self.name}.json"

    @property
    def before(self) -> "Job | None":
        """The training that it begins with."""
        return replace(self, entry=AFTER[self.entry]) if self.entry in AFTER else None

    @property
    def recipe(self) -> Recipe:
        """With as many steps as the faces make."""
        method, _, name = self.entry.partition(":")
        changes = [parse_setting(setting) for setting in self.settings]
        recipe = overridden(recipe_named(method, name), *changes)
        own = self.faces // 2 if self.before else self.faces
        steps = max(1, round(own / (recipe.batch_size * recipe.draw.num_faces)))
        recipe = replace(recipe, name=name, epochs=None, steps=steps, seed=self.seed)
        if not self.before:
            return recipe
        return replace(recipe, start_from=str(run_folder(Workspace(self.root), self.before.name).last))

    @property
    def faces_seen(self) -> int:
        """In all, with those of the training before."""
        recipe = self.recipe
        own = (recipe.steps or 0) * recipe.batch_size * recipe.draw.num_faces
        return own + (self.before.faces_seen if self.before else 0)


def run(job: Job) -> str:
    """Train and probe, as far as that is not done; a line about it."""
    if job.scores.is_file():
        return f"{job.name}: there"
    seconds = (learn(job.before) if job.before else 0.0) + learn(job)
    started = time.perf_counter()
    there = Workspace(job.scored)
    subject = probed(Workspace(job.root), job.name, "last", torch_device(job))
    about = {"method": job.entry, "tag": job.tag, "seed": job.seed, "faces": job.faces_seen}
    fresh = {**about, "faces": 0, "seconds": 0.0, "steps": 0, "state": "untrained"}
    learnt = {**about, "seconds": seconds, "steps": job.recipe.steps, "state": "trained"}
    found = [
        *scores_of(there, subject, learnt, job.draws),
        *scores_of(there, untrained(subject, job.seed), fresh, job.draws),
    ]
    keep(found, job.scores)
    best = max((score.au_f1 for score in found if score.state == "trained"), default=float("nan"))
    return (
        f"{job.name}: {job.recipe.steps:,} steps, {job.faces_seen:,} faces in {seconds:,.0f} s, AU F1 {best:.1%}; "
        f"probed in {time.perf_counter() - started:,.0f} s"
    )


def learn(job: Job) -> float:
    """Train to the end; the seconds that it took, those of an interrupted part estimated by this one's."""
    noted = run_folder(Workspace(job.root), job.name).path / "bench-seconds.json"
    if noted.is_file():
        return float(json.loads(noted.read_text(encoding="utf-8")))
    loader = LoaderConfig(workers=job.workers, cache=job.cache)
    options = RunOptions(device=job.device, loader=loader, keep_every=job.recipe.steps)  # only the last is probed
    started = time.perf_counter()
    outcome = train(Workspace(job.root), job.recipe, options, job.name)
    passed = time.perf_counter() - started
    done = outcome.step - outcome.started
    seconds = passed * outcome.step / done if done else float("nan")
    noted.write_text(json.dumps(seconds), encoding="utf-8")
    return seconds


def torch_device(job: Job) -> str:
    """Where the encoder is probed."""
    if job.device != "auto":
        return str(job.device)
    return "cuda" if torch.cuda.is_available() else "cpu"


def keep(scores: Sequence[Score], path: Path) -> None:
    """Write scores whole or not at all."""
    with written_whole(path) as partial:
        partial.write_text(json.dumps([asdict(score) for score in scores], indent=1), encoding="utf-8")


def make_heads(root: Path, identities: int) -> None:
    """Render the heads of docs/rendered-heads.md, and prepare their faces: at 3 fps, and 2 seconds of each at 25."""
    tool, times = str(Path(sys.executable).with_name("tcae-prep")), times_root_of(root)
    demo = ["--identities", str(identities), "--clips", "4", "--seconds", "8", "--seed", "4"]
    for command in (
        ["demo", "--root", str(root), *demo],
        ["run", "--root", str(root), "--fps", "3"],
        ["split", "--root", str(root)],
        ["run", "--root", str(times), "--source", str(root / "videos"), "--fps", "25", "--seconds", "2"],
        ["split", "--root", str(times)],
    ):
        subprocess.run([tool, *command], check=True)


def times_root_of(root: Path) -> Path:
    """Where the same heads are at 25 fps, if they were rendered here."""
    return root.with_name(f"{root.name}-25fps")


def check_apart(root: Path, times: Path) -> None:
    """Stop if a training at 25 fps would see whom the probe scores."""
    split, other = (read_assignments(Workspace(each).manifest("identities")) for each in (root, times))
    shown = [name for name, part in other.items() if part == "train" and split.get(name) != "train"]
    if shown:
        sys.exit(f"{len(shown)} identities that {times} trains on are scored in {root}, e.g. {shown[0]}; split alike")


def jobs_of(options: argparse.Namespace, root: Path, out: Path) -> Iterator[Job]:
    """Every training, those that others begin with first."""
    asked = [each.strip() for each in options.methods.split(",")] if options.methods else all_entries()
    entries = [each if ":" in each else f"{each}:small" for each in asked]
    settings = (*options.set, *([f"precision={options.precision}"] if options.precision else []))
    for entry in sorted(entries, key=lambda entry: entry in AFTER):
        times = recipe_named(*entry.split(":")).draw.kind == "times" and options.times_root
        for seed in (int(seed) for seed in options.seeds.split(",")):
            yield Job(
                entry=entry,
                seed=seed,
                faces=options.faces,
                root=options.times_root if times else root,
                scored=root,
                out=out,
                settings=settings,
                tag=options.tag,
                device=options.device,
                workers=options.workers,
                draws=options.draws,
            )


def all_entries() -> list[str]:
    """Every method's recipe for a CPU, and those that begin with it."""
    return [f"{method}:small" for method in RECIPES] + list(AFTER)


def waves(jobs: Sequence[Job]) -> list[list[Job]]:
    """Jobs that need no other's training, then those that do."""
    first, second = ([job for job in jobs if bool(job.before) == later] for later in (False, True))
    return [wave for wave in (first, second) if wave]


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="A workspace with labelled heads. [default: workspace/methods]")
    parser.add_argument("--times-root", type=Path, help="The same identities at 25 fps.")
    parser.add_argument("--identities", type=int, default=60, help="That are rendered, where there is no --root.")
    parser.add_argument("--faces", type=int, default=128_000, help="That each method is trained with.")
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--methods", default="", help="METHOD or METHOD:RECIPE, by commas. [default: all, small]")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="In every recipe.")
    parser.add_argument("--tag", default="", help="Part of the runs' names; must go with --set.")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--precision", choices=("fp32", "bf16"), help="[default: the recipe's]")
    parser.add_argument("--jobs", type=int, default=1, help="Trainings at a time.")
    parser.add_argument("--workers", type=int, default=2, help="Of each training, that decode.")
    parser.add_argument("--draws", type=int, default=1000, help="Of the bootstrap.")
    parser.add_argument("--out", type=Path, help="[default: scores/methods in the root]")
    parser.add_argument("--table", action="store_true", help="Only write the tables of the scores that are there.")
    options = parser.parse_args()
    if options.set and not options.tag:
        parser.error("--set needs a --tag, or its runs would be taken for those of the plain recipes")
    return options


def main() -> None:
    """Train, probe, print and write the tables."""
    options = read_options()
    root = options.root or Path("workspace/methods")
    out = options.out or root / "scores" / "methods"
    if not options.root:
        if not (times_root_of(root) / "manifests" / "pairs").is_dir():
            make_heads(root, options.identities)
        options.times_root = options.times_root or times_root_of(root)
    if options.times_root:
        check_apart(root, options.times_root)
    out.mkdir(parents=True, exist_ok=True)
    if not options.table:
        if not (out / f"{PIXELS}.json").is_file():
            keep(scores_of_pixels(Workspace(root), options.draws), out / f"{PIXELS}.json")
        failed = work(list(jobs_of(options, root, out)), options.jobs)
        if failed:
            print(f"failed: {', '.join(failed)}", file=sys.stderr)
    print(write_tables(out))


def work(jobs: Sequence[Job], at_once: int) -> list[str]:
    """Do all jobs; the names of those that failed, which do not stop the others."""
    failed = []
    for wave in waves(jobs):
        with ProcessPoolExecutor(at_once, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
            running = {pool.submit(run, job): job for job in wave}
            for done in as_completed(running):
                if error := done.exception():
                    failed.append(running[done].name)
                    print(f"{running[done].name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                else:
                    print(done.result(), flush=True)
    return failed


if __name__ == "__main__":
    main()
