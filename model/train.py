"""The door to training: a workspace and a recipe in, a run out; behind it stands ``training/``."""

from collections.abc import Generator, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from tcae.manifests.pairs import PairIndex
from tcae.manifests.workspace import Workspace
from tcae.model.curriculum import Curriculum
from tcae.model.data.batch import Batch
from tcae.model.data.batches import fixed_batches, train_batches
from tcae.model.data.labels import face_labels, labels_provenance
from tcae.model.data.sampler import fixed_samples
from tcae.model.methods.catalogue import method_of
from tcae.model.recipe import Recipe
from tcae.model.training.devices import device_of, name_of, set_up
from tcae.model.training.interrupts import heard
from tcae.model.training.journal import Journal, Watch
from tcae.model.training.keeper import Keeper
from tcae.model.training.metrics import MetricsLog
from tcae.model.training.options import RunOptions
from tcae.model.training.pace import check_patience
from tcae.model.training.processes import Processes, joined
from tcae.model.training.resume import Saved, kept, load_newest
from tcae.model.training.runs import (
    RunFolder,
    check_same,
    data_provenance,
    free_name,
    held,
    run_folder,
    write_config,
)
from tcae.model.training.state import TrainingState
from tcae.model.training.state_dicts import read_state_dict
from tcae.model.training.step import Step
from tcae.model.training.trainer import Plan, Trainer

VAL_BATCH = 32
"""Samples that are validated at a time."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a call of ``train`` left."""

    folder: RunFolder
    started: int
    """Steps that were done when the call began."""
    step: int
    """Steps that are done now."""
    end: int
    """Steps at which the run is finished."""
    metrics: Mapping[str, float]
    """Of the last validation; empty where val has no samples."""
    words: str
    """The same for a user to read; empty likewise."""


def train(
    workspace: Workspace, recipe: Recipe, options: RunOptions, name: str | None = None, watch: Watch | None = None
) -> Outcome:
    """Train a method on the faces of a workspace, or go on with a run.

    Args:
        workspace: With faces and a pair index.
        recipe: What to train.
        options: How.
        name: The run's; by default the recipe's, or the next free one where resuming is not wanted.
        watch: Who is told of it.

    Returns:
        What was done; the weights are in the run's folder.

    Raises:
        ConfigError: there are no pairs, or the run was started with another recipe or other data.
        MissingToolError: a GPU was demanded and there is none.
        StoppedError: the user stopped it; a checkpoint was written.
        DivergedError: the loss is no longer finite.
    """
    device = device_of(options.device)
    set_up(device)
    with joined(device) as processes, heard() as wish:
        watch = watch if watch and processes.is_first else Watch()
        index = PairIndex.open(workspace.manifest("pairs") / "train")
        note = check_patience(recipe, options, device, index.num_identities) if processes.is_first else None
        if note:
            watch.on_note(note)
        data = data_provenance(workspace, index) | labels_provenance(workspace, recipe.labels)
        folder = _folder(workspace, name or recipe.run_name, options)
        processes.any(False)  # all have looked for the name before the first makes its folder
        with held(folder) if processes.is_first else nullcontext():
            saved = _opened(folder, recipe, data, processes, device)
            plan = _plan(recipe, options, index.num_identities, saved)
            trainer = _trainer(workspace, folder, recipe, options, plan, data, processes, device, watch, saved)
            _tell(watch, trainer, device, saved)
            with closing(trainer.journal):
                if plan.stop > plan.start:
                    with closing(_batches(workspace, index, trainer, options, watch)) as batches:
                        trainer.run(batches, wish)
            return _outcome(trainer)


def _outcome(trainer: Trainer) -> Outcome:
    state, plan = trainer.state, trainer.plan
    return Outcome(
        folder=trainer.folder,
        started=plan.start,
        step=state.num_steps,
        end=plan.end,
        metrics=dict(state.metrics),
        words=state.step.method.words(state.metrics) if state.metrics else "",
    )


def _folder(workspace: Workspace, name: str, options: RunOptions) -> RunFolder:
    folder = run_folder(workspace, name)
    if options.resume == "never" and kept(folder):
        return run_folder(workspace, free_name(workspace, name))
    return folder


def _opened(
    folder: RunFolder, recipe: Recipe, data: Mapping[str, str], processes: Processes, device: torch.device
) -> Saved:
    """The newest checkpoint of the run; every process reads it after the first one has agreed."""
    if processes.is_first:
        if kept(folder):
            check_same(folder, recipe, data)
        else:
            write_config(folder, recipe, data)
    processes.any(False)
    return load_newest(folder, processes, device)


def _plan(recipe: Recipe, options: RunOptions, num_identities: int, saved: Saved) -> Plan:
    total = recipe.num_steps(num_identities)
    end = options.steps or total
    if options.epochs is not None:
        end = -(-options.epochs * num_identities // recipe.batch_size)
    stop = end if options.stop_after is None else min(end, saved.step + options.stop_after)
    return Plan(num_identities=num_identities, total=total, start=saved.step, end=end, stop=stop)


def _trainer(
    workspace: Workspace,
    folder: RunFolder,
    recipe: Recipe,
    options: RunOptions,
    plan: Plan,
    data: Mapping[str, str],
    processes: Processes,
    device: torch.device,
    watch: Watch,
    saved: Saved,
) -> Trainer:
    torch.manual_seed(recipe.seed)
    method = method_of(recipe)
    if recipe.start_from and not saved.path:
        path = Path(recipe.start_from)
        method.begin(read_state_dict(path), path)
    state = TrainingState(
        Step(method, device, processes=processes, compile=options.compile), Curriculum(recipe.curriculum)
    )
    if saved.path:
        state.restore(saved.state)
    log = MetricsLog(folder, plan.start if saved.path else None) if processes.is_first else None
    return Trainer(
        folder=folder,
        recipe=recipe,
        plan=plan,
        state=state,
        processes=processes,
        keeper=Keeper(folder, recipe, data, options, plan.end),
        journal=Journal(log, watch, every=options.log_every, num_steps=plan.stop, samples_per_step=recipe.batch_size),
        val=_val(workspace, recipe) if processes.is_first else [],
        num_samples=options.sheet_pairs,
    )


def _val(workspace: Workspace, recipe: Recipe) -> list[Batch]:
    """The fixed samples of val, decoded once; their labels are as they were given."""
    folder = workspace.manifest("pairs") / "val"
    index = PairIndex.open(folder) if folder.is_dir() else None
    if index is None:
        return []
    labels = face_labels(workspace, index, replace(recipe.labels, noise=0.0), recipe.seed)
    samples = fixed_samples(index, recipe, recipe.val_pairs, labels)
    return list(fixed_batches(workspace, samples, recipe, VAL_BATCH))


def _batches(
    workspace: Workspace, index: PairIndex, trainer: Trainer, options: RunOptions, watch: Watch
) -> Generator[Batch, None, None]:
    processes = trainer.processes
    return train_batches(
        workspace,
        index,
        trainer.recipe,
        options.loader,
        start_step=trainer.state.num_steps,
        stop_step=trainer.plan.stop,
        rank=processes.rank,
        world=processes.world,
        pin=trainer.state.step.device.type == "cuda",
        tell=watch.on_note,
    )


def _tell(watch: Watch, trainer: Trainer, device: torch.device, saved: Saved) -> None:
    plan, recipe = trainer.plan, trainer.recipe
    beside = f", {trainer.processes.world} processes" if trainer.processes.world > 1 else ""
    watch.on_note(
        f"run {trainer.folder.path.name}: {recipe.method}, recipe {recipe.name}, on {name_of(device)}{beside}, "
        f"{recipe.precision}, {plan.num_identities:,} training identities, batches of {recipe.batch_size}, "
        f"steps {plan.start:,} to {plan.stop:,}" + (f" of {plan.end:,}" if plan.stop < plan.end else "")
    )
    for damage in saved.damage:
        watch.on_note(f"{damage}; going on from an older checkpoint")
    if saved.path:
        watch.on_note(f"resumed from {saved.path} at step {plan.start:,}")
    if not trainer.val:
        watch.on_note("val has no samples: nothing is validated, and the curriculum stays where it is")
    if plan.start >= plan.end:
        watch.on_note(f"nothing to do: {plan.start:,} of {plan.end:,} steps are done; --steps asks for more")
