"""What the commands that run a stage have in common: list the source, run, tell."""

from contextlib import nullcontext
from dataclasses import replace

import click

from tcae.cli.progress import watched
from tcae.cli.stage_options import Source
from tcae.cli.tallies import effort, sentence
from tcae.cli.witness import witnessed
from tcae.manifests.errors import ConfigError, StoppedError, TcaeError
from tcae.manifests.mirrors import mirrored
from tcae.manifests.rows import Clip, ClipKey, type_of_table
from tcae.manifests.tables import read_parts
from tcae.manifests.workspace import Workspace, shard_of
from tcae.pipeline.detect import gpu_room
from tcae.pipeline.faces import FaceConfig
from tcae.pipeline.listing import share_clips, update_clips
from tcae.pipeline.packing import num_in_files
from tcae.pipeline.runner import RunnerConfig, check_scheduler
from tcae.pipeline.shares import WHOLE, Share
from tcae.pipeline.stages.base import Selection, Stage
from tcae.pipeline.stages.job import run_job


class DeadWorkersError(TcaeError):
    """Worker processes died at the same clip again and again; everything else is done."""


def placed(faces: FaceConfig, running: RunnerConfig) -> tuple[FaceConfig, RunnerConfig]:
    """Say where a device is: here, or with each worker of a cluster.

    There ``auto`` is the CPU, so that rows do not depend on which machine made them, and ``cuda`` the GPU that each
    worker with the resource ``GPU`` sees first; this machine needs none.

    Raises:
        ConfigError: a GPU of a cluster is asked for by its number.
        MissingToolError: a GPU is asked for here and not there.
    """
    if running.scheduler is None:
        return faces, replace(running, gpus=gpu_room(faces.device))
    if ":" in faces.device:
        raise ConfigError(
            f"--device {faces.device} names a GPU of one machine; with --scheduler say --device cuda, and give each "
            "worker its own: CUDA_VISIBLE_DEVICES=N dask worker ... --resources GPU=1"
        )
    on_gpu = faces.device == "cuda"
    return (faces if on_gpu else replace(faces, device="cpu")), replace(running, on_gpu=on_gpu)


def list_source(workspace: Workspace, source: Source, running: RunnerConfig) -> None:
    """Bring ``manifests/clips`` up to date and say on stderr what the source was taken for.

    A job that has only a share of the shards leaves the clips as another has listed them. A cluster that cannot do
    the work is refused before that.
    """
    check_scheduler(running, workspace.signs)

    def tell(who: str) -> None:
        _tell([f"waiting: {who}"])

    with mirrored(workspace, ["clips"], ["clips"], tell):
        config = source.config(workspace)
        if running.share == WHOLE:
            _tell(update_clips(workspace, config).notes)
        else:
            _tell(share_clips(workspace, config, tell))


def dry_listing(workspace: Workspace, source: Source, share: Share) -> list[Clip]:
    """The clips of a share that a listing would find; nothing is written."""
    with mirrored(workspace, ["clips"]):
        listing = update_clips(workspace, source.config(workspace), is_kept=False)
    _tell(listing.notes)
    return [clip for clip in listing.clips if share.holds(shard_of(clip.key))]


def chosen(selection: Selection, workspace: Workspace, table: str) -> frozenset[ClipKey] | None:
    """The clips of a table that the user asked for; None for all, which is told without reading it.

    Raises:
        ConfigError: an identity was asked for that is not there.
    """
    if selection == Selection():
        return None
    return selection.keys(read_parts(workspace.manifest(table), type_of_table[table], ClipKey._fields))


def _tell(notes: list[str]) -> None:
    for note in notes:
        click.echo(note, err=True)


def run_and_tell(stage: Stage, running: RunnerConfig, retry: str | None) -> None:
    """Run a stage with its progress on stderr and its tally on stdout.

    Raises:
        ConfigError: the stage's source manifest is empty.
        StoppedError: the user stopped it; the tally was told.
        DeadWorkersError: some clips could not be done; the tally was told.
    """
    if not any(stage.workspace.manifest(stage.source).glob("*.parquet")):
        raise ConfigError(f"{stage.workspace} has no {stage.source} yet; run `tcae-prep extract` first")
    is_alone = running.workers == 0 and running.scheduler is None
    last_word = witnessed(stage.workspace.lock(stage.source, 0).parent) if is_alone else nullcontext()
    with watched(stage.name) as watch, last_word:
        tally = run_job(stage, running, retry, watch)
    of_share = "" if running.share == WHOLE else f" (share {running.share} of the shards)"
    click.echo(f"{effort(tally)}{of_share}")
    for table in stage.tables:
        click.echo(sentence(tally, table))
    if tally.is_stopped:
        raise StoppedError(f"stopped with {tally.left:,} clips to do; the same command goes on from here")
    if tally.deaths:
        raise DeadWorkersError(
            f"{tally.left:,} clips are left: workers died again and again at {'; '.join(tally.deaths)}. "
            "Too little memory (fewer --workers), or a file that crashes the decoder (--reader ffmpeg, or take it away)"
        )


def tell_unpacked(workspace: Workspace) -> None:
    """Say on stderr that faces made before are in files still; of a workspace in a store nothing here tells."""
    num = 0 if workspace.store else num_in_files(workspace)
    if num:
        _tell([f"the faces of {num:,} shards were made before and are in files: `tcae-prep pack` packs them"])
