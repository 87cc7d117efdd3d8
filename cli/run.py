"""``tcae-prep run``."""

import click

from tcae.cli import options, stage_options
from tcae.cli.staging import chosen, list_source, placed, run_and_tell, tell_unpacked
from tcae.manifests.mirrors import bring
from tcae.manifests.places import Place
from tcae.manifests.workspace import find_workspace
from tcae.pipeline.faces import FaceConfig
from tcae.pipeline.runner import RunnerConfig
from tcae.pipeline.stages.base import Selection
from tcae.pipeline.stages.extract import ExtractConfig
from tcae.pipeline.stages.fused import FusedStage
from tcae.pipeline.video import VideoConfig


@click.command("run")
@options.stored_root
@stage_options.source
@stage_options.video
@stage_options.faces
@stage_options.pack
@stage_options.selection
@stage_options.running
def command(
    root: Place | None,
    source: stage_options.Source,
    video: VideoConfig,
    faces: FaceConfig,
    pack: bool,
    selection: Selection,
    retry: str | None,
    running: RunnerConfig,
) -> None:
    """Extract and align in one pass, without frames on disk.

    Gives the faces that `extract --format png` and `align` give, pixel for pixel.

    \b
    tcae-prep run --fps 1 --source /data/voxceleb2 --workers 32
    """  # noqa: D301
    workspace = find_workspace(root, may_be_stored=True)
    faces, running = placed(faces, running)
    list_source(workspace, source, running)
    bring(workspace, "frames", "faces")
    selected = chosen(selection, workspace, "clips")
    config = ExtractConfig(video=video, suffix="")
    stage = FusedStage(workspace=workspace, extract=config, faces=faces, selected=selected, pack=pack)
    run_and_tell(stage, running, retry)
    if pack:
        tell_unpacked(workspace)
