"""``tcae analyse``."""

import re

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from tcae.cli.main import learn
from tcae.manifests.workspace import Workspace
from tests.run_builders import workspace_with_run


def call(workspace: Workspace, *arguments: object) -> Result:
    return CliRunner().invoke(
        learn, ["analyse", "--root", str(workspace.root), "--device", "cpu", *map(str, arguments)]
    )


@pytest.fixture
def with_run(workspace: Workspace) -> Workspace:
    """One identity in test, with 12 pairs, and two in train."""
    return workspace_with_run(workspace)


def test_both_means_their_ratio_and_the_baselines_are_printed_and_kept(with_run: Workspace) -> None:
    result = call(with_run)
    assert result.exit_code == 0, result.output
    pairs, lengths, errors, where = result.stdout.splitlines()
    assert pairs == "12 test pairs (fewer than the 6,400 asked for), 24 train pairs for the field"
    folder = with_run.root / "runs" / "tiny" / "analysis"
    rows = {row["name"]: row["value"] for row in pq.read_table(folder / "best.parquet").to_pylist()}
    au, au_px, pose, pose_px, ratio = (float(word) for word in re.findall(r"\d+\.\d+", lengths))
    assert (au, pose) == (round(rows["au_length"], 4), round(rows["pose_length"], 4))
    assert (au_px, pose_px) == (round(rows["au_length"] * 127.5, 2), round(rows["pose_length"] * 127.5, 2))
    assert ratio == round(rows["pose_length"] / rows["au_length"], 2)
    found = [float(word) for word in re.findall(r"\d+\.\d+", errors)]
    assert found == [round(rows[name], 4) for name in ("reconstruction", "copy_l1", "field_l1")]
    assert where == f"{folder / 'best.parquet'} and best.png: tiny, best, step 40"
    with Image.open(folder / "best.png") as picture:
        assert picture.width > 100


def test_another_split_and_checkpoint_have_files_of_their_own(with_run: Workspace) -> None:
    result = call(with_run, "--split", "val", "--checkpoint", "last", "--pairs", "4", "--batch-size", "3")
    assert result.stdout.splitlines()[0] == "4 val pairs, 4 train pairs for the field"
    names = sorted(path.name for path in (with_run.root / "runs" / "tiny" / "analysis").iterdir())
    assert names == ["last-val.parquet", "last-val.png"]


def test_pairs_that_cannot_be_read_are_warned_of(with_run: Workspace) -> None:
    for path in (with_run.root / "faces").rglob("img_0_001.jpg"):
        path.write_bytes(b"")
    result = call(with_run)
    assert result.stdout.startswith("8 test pairs")
    assert "warning: 4 pairs were left out: a face of each cannot be read" in result.stderr


def test_nonsense_is_one_line_and_exit_1(with_run: Workspace) -> None:
    result = call(with_run, "--pairs", "0")
    assert (result.exit_code, result.stderr) == (1, "Error: --pairs must be at least 1, not 0\n")
