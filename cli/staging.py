"""What the commands that run a stage have in common: list the source, run, tell."""

import click

from tcae.cli.progress import watched
from tcae.cli.stage_options import Source
from tcae.cli.tallies import effort, sentence
from tcae.manifests.errors import ConfigError, StoppedError, TcaeError
from tcae.manifests.rows import Clip
from tcae.manifests.workspace import Workspace
from tcae.pipeline.listing import update_clips
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.stages.base import Stage
from tcae.pipeline.stages.job import run_job


class DeadWorkersError(TcaeError):
    """Worker processes died at the same clip again and again; everything else is done."""


def list_source(workspace: Workspace, source: Source, *, is_kept: bool = True) -> list[Clip]:
    """Bring ``manifests/clips`` up to date and say on stderr what the source was taken for."""
    listing = update_clips(workspace, source.config(workspace), is_kept=is_kept)
    for note in listing.notes:
        click.echo(note, err=True)
    return listing.clips


def run_and_tell(stage: Stage, running: RunnerConfig, retry: str | None) -> None:
    """Run a stage with its progress on stderr and its tally on stdout.

    Raises:
        ConfigError: the stage's source manifest is empty.
        StoppedError: the user stopped it; the tally was told.
        DeadWorkersError: some clips could not be done; the tally was told.
    """
    if not any(stage.workspace.manifest(stage.source).glob("*.parquet")):
        raise ConfigError(f"{stage.workspace.root} has no {stage.source} yet; run `tcae-prep extract` first")
    with watched(stage.name) as watch:
        tally = run_job(stage, running, retry, watch)
    click.echo(effort(tally))
    for table in stage.tables:
        click.echo(sentence(tally, table))
    if tally.is_stopped:
        raise StoppedError(f"stopped with {tally.left:,} clips to do; the same command goes on from here")
    if tally.deaths:
        raise DeadWorkersError(
            f"{tally.left:,} clips are left: workers died again and again at {'; '.join(tally.deaths)}. "
            "Too little memory (fewer --workers), or a file that crashes the decoder (--reader ffmpeg, or take it away)"
        )
