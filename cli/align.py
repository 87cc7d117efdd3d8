"""``tcae-prep align``."""

import click

from tcae.cli import options, stage_options
from tcae.cli.staging import chosen, placed, run_and_tell, tell_unpacked
from tcae.manifests.mirrors import bring
from tcae.manifests.places import Place
from tcae.manifests.workspace import find_workspace
from tcae.pipeline.faces import FaceConfig
from tcae.pipeline.runner import RunnerConfig, check_scheduler
from tcae.pipeline.stages.align import AlignStage
from tcae.pipeline.stages.base import Selection


@click.command("align")
@options.stored_root
@stage_options.faces
@stage_options.pack
@stage_options.selection
@stage_options.running
def command(
    root: Place | None,
    faces: FaceConfig,
    pack: bool,
    selection: Selection,
    retry: str | None,
    running: RunnerConfig,
) -> None:
    """Find one face per frame and crop it.

    Detects, follows one person through each clip, aligns the landmarks to the template and writes 256x256 crops to
    faces/<id>/<video>/<N>_folder/img_<N>_<MMM>.jpg. Every frame gives a row of manifests/faces: a face or a reason.

    \b
    tcae-prep align --workers 32
    """  # noqa: D301
    workspace = find_workspace(root, may_be_stored=True)
    faces, running = placed(faces, running)
    check_scheduler(running, workspace.signs)
    bring(workspace, "frames", "faces")
    selected = chosen(selection, workspace, "frames")
    stage = AlignStage(workspace=workspace, config=faces, selected=selected, pack=pack)
    run_and_tell(stage, running, retry)
    if pack:
        tell_unpacked(workspace)
