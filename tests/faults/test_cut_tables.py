"""A part that was cut short is named; without it, only its clips are made again."""

import shutil
from pathlib import Path

import pytest

from tcae.manifests.workspace import Workspace
from tests.fault_builders import EXTRACT, assert_same, parts
from tests.stage_builders import call, frames


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_part_cut_short_is_named_and_costs_its_clips_alone(
    share: float, source: Path, undisturbed: Workspace, workspace: Workspace
) -> None:
    args = ("extract", "--root", workspace.root, "--source", source, "--workers", 0, *EXTRACT)
    shutil.copytree(undisturbed.root, workspace.root)
    path = max(parts(workspace))
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    refused = call(*args)
    assert refused.exit_code == 1
    (line,) = [line for line in refused.stderr.splitlines() if line.startswith("Error")]
    assert f"{path} is not a readable Parquet table" in line
    assert line.endswith("remove that file, and the same command makes the clips that it had again, and no others")
    path.unlink()
    kept = {row.key for row in frames(workspace)}
    again = call(*args)
    assert f"{19 - len(kept)} clips made now, {len(kept)} found made" in again.stdout
    assert_same(workspace, undisturbed)
