"""From the files of a set to labelled faces, by the commands that its page in docs/datasets gives."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from tcae.manifests.labels import read_labels
from tcae.manifests.workspace import Workspace
from tcae.pipeline import pictures
from tests.clips import numbered
from tests.stage_builders import call, faces, fake_detector


def shot(path: Path, width: int = 64) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pictures.encode(numbered(5, width), path.suffix))


def told(workspace: Workspace, *command: object) -> str:
    """What a command says that must succeed."""
    result = call(*command, "--root", workspace.root)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def are_labelled(workspace: Workspace, *sets: str) -> bool:
    """Whether every face has a label, and every label a face."""
    rows = [row for name in sets for row in read_labels(workspace, name).to_pylist()]
    labelled = {(row["identity"], row["video"], row["clip"], row["source_frame"]) for row in rows}
    return {(*row.key, row.source_frame) for row in faces(workspace) if row.file} == labelled


def test_fer2013_from_its_file_to_labelled_faces(workspace: Workspace, tmp_path: Path) -> None:
    values = [" ".join(map(str, np.random.default_rng(k).integers(0, 256, 48 * 48))) for k in range(3)]
    usages = ("Training", "PublicTest", "PrivateTest")
    lines = [f"{k},{values[k]},{usages[k]}" for k in range(3)]
    (tmp_path / "fer2013.csv").write_text("\r\n".join(["emotion,pixels,Usage", *lines, ""]))
    labels = ("labels", "--layout", "fer2013", tmp_path / "fer2013.csv")
    assert "3 pictures unpacked" in told(workspace, *labels)
    told(workspace, "extract", "--layout", "pictures", "--format", "png", "--workers", 0)
    told(workspace, "align", "--detector", "whole", "--workers", 0)
    assert "3 labelled frames, 3 of them with a frame = 3 with a face" in told(workspace, *labels)
    assert are_labelled(workspace, "fer2013")


@pytest.mark.parametrize("kind", ["aligned", "original"])
def test_rafdb_from_its_folders_to_labelled_faces(
    workspace: Workspace, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("train_00001", "train_00002", "test_0001")
    for name in names:
        shot(tmp_path / f"basic/Image/aligned/{name}_aligned.jpg")
        shot(tmp_path / f"basic/Image/original/{name}.jpg", 96)
    (tmp_path / "basic/EmoLabel").mkdir()
    (tmp_path / "basic/EmoLabel/list_patition_label.txt").write_text("".join(f"{name}.jpg 4\n" for name in names))
    if kind == "aligned":
        told(workspace, "extract", "--source", tmp_path / "basic", "--layout", "rafdb", "--workers", 0)
        told(workspace, "align", "--detector", "whole", "--workers", 0)
    else:
        fake_detector(monkeypatch)
        source = tmp_path / "basic/Image/original"
        told(workspace, "extract", "--source", source, "--layout", "pictures", "--workers", 0)
        told(workspace, "align", "--workers", 0)
    assert "= 3 with a face" in told(workspace, "labels", "--layout", "rafdb", tmp_path / "basic")
    assert are_labelled(workspace, "rafdb")


def test_the_sets_of_head_poses_share_a_workspace(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_detector(monkeypatch)
    for name in ("300W_LP/AFW/a_1_0", "300W_LP/AFW_Flip/a_1_0", "AFLW2000/image00002"):
        shot(tmp_path / f"{name}.jpg")
        savemat(tmp_path / f"{name}.mat", {"Pose_Para": np.zeros((1, 7))})
    shot(tmp_path / "hpdb/01/frame_00003_rgb.png", 96)
    (tmp_path / "hpdb/01/frame_00003_pose.txt").write_text("1 0 0 \n0 1 0 \n0 0 1 \n\n1.5 2 900 \n")
    for folder, layout in {"300W_LP": "pictures", "AFLW2000": "pictures", "hpdb": "biwi"}.items():
        told(workspace, "extract", "--source", tmp_path / folder, "--layout", layout, "--workers", 0)
    told(workspace, "align", "--workers", 0)
    for name, folder, count in (("300w-lp", "300W_LP", 2), ("aflw2000", "AFLW2000", 1), ("biwi", "hpdb", 1)):
        assert f"= {count} with a face" in told(workspace, "labels", "--layout", name, tmp_path / folder)
    assert are_labelled(workspace, "300w-lp", "aflw2000", "biwi")
