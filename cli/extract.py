"""``tcae-prep extract``."""

import click

from tcae.cli import options, stage_options
from tcae.cli.staging import chosen, dry_listing, list_source, run_and_tell
from tcae.manifests.mirrors import bring
from tcae.manifests.places import Place
from tcae.manifests.rows import Clip
from tcae.manifests.tables import table_of
from tcae.manifests.workspace import find_workspace
from tcae.pipeline.forecast import forecast
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.stages.base import Selection
from tcae.pipeline.stages.extract import SUFFIXES, ExtractConfig, ExtractStage
from tcae.pipeline.video import VideoConfig


@click.command("extract")
@options.stored_root
@stage_options.source
@stage_options.video
@click.option("--format", "suffix", type=click.Choice(list(SUFFIXES)), default="jpg", show_default=True)
@stage_options.selection
@stage_options.running
@click.option("--dry-run", is_flag=True, help="Say how many clips, hours, files and bytes to expect; write nothing.")
def command(
    root: Place | None,
    source: stage_options.Source,
    video: VideoConfig,
    suffix: str,
    selection: Selection,
    retry: str | None,
    running: RunnerConfig,
    dry_run: bool,
) -> None:
    """Take frames out of videos.

    For k = 0, 1, ... the first frame at or after k / FPS seconds becomes
    frames/<id>/<video>/<N>_folder/img_<N>_<k+1>.jpg, and a row of manifests/frames.

    \b
    tcae-prep extract --fps 1 --source /data/voxceleb2 --workers 32
    """  # noqa: D301
    workspace = find_workspace(root, may_be_stored=True)
    config = ExtractConfig(video=video, suffix=SUFFIXES[suffix])
    if dry_run:
        clips = dry_listing(workspace, source, running.share)
        keys = selection.keys(table_of(clips, Clip))
        click.echo(str(forecast([clip for clip in clips if keys is None or clip.key in keys], config)))
        return
    list_source(workspace, source, running)
    bring(workspace, "frames")
    selected = chosen(selection, workspace, "clips")
    run_and_tell(ExtractStage(workspace=workspace, config=config, selected=selected), running, retry)
