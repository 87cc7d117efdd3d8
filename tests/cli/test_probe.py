"""``tcae probe``."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from tcae.cli.main import learn
from tcae.manifests.workspace import Workspace
from tcae.model.encoders.export import export
from tcae.model.training import checkpoints
from tcae.model.training.runs import load_trained, run_folder
from tests.label_builders import drawn_angles, drawn_aus, label_faces
from tests.run_builders import workspace_with_run, write_run

QUICK = ("--draws", "20", "--neighbours", "3")


def call(workspace: Workspace, *arguments: object) -> Result:
    given = ["probe", "--root", str(workspace.root), "--device", "cpu", *QUICK, *map(str, arguments)]
    return CliRunner().invoke(learn, given)


@pytest.fixture
def labelled(workspace: Workspace) -> Workspace:
    """8 people with 6 labelled faces each, and the run ``tiny``."""
    workspace_with_run(workspace, identities=8)
    label_faces(workspace, drawn_aus(48), drawn_angles(48))
    return workspace


def test_without_arguments_the_newest_run_is_probed_on_the_labels_that_there_are(labelled: Workspace) -> None:
    result = call(labelled)
    assert result.exit_code == 0, result.output
    folder = labelled.root / "scores" / "synthetic" / "tiny" / "best"
    assert {path.name for path in folder.iterdir()} == {
        "scores.json",
        "scores.parquet",
        "probe.md",
        "probe.html",
        "figure.png",
        "figure.svg",
    }
    assert result.stdout.splitlines()[-1].startswith(f"{folder}: probe.html")
    assert "probing tiny, best, step 40, on synthetic" in result.stderr
    assert "48 labelled frames = 48 with a face + 0 without" in result.stderr
    assert "NOT comparable" in result.stdout
    assert f"this encoder has seen {40 * 64:,} pairs" in result.stdout


def test_the_report_compares_what_it_should(labelled: Workspace) -> None:
    call(labelled)
    rows = pq.read_table(labelled.root / "scores/synthetic/tiny/best/scores.parquet").to_pylist()
    names = list(dict.fromkeys(row["representation"] for row in rows))
    assert names == ["au", "pose", "untrained", "pixels", "knn au", "knn pose", "chance", "majority"]
    assert {row["au"] for row in rows} == {"AU01", "AU12", "mean"}
    assert {row["fold"] for row in rows} == {"test"}


def test_a_report_says_how_it_was_made(labelled: Workspace) -> None:
    call(labelled, "--l2", "2.5", "--embedding", "both", "--no-few", "--no-baselines")
    report = json.loads((labelled.root / "scores/synthetic/tiny/best/scores.json").read_text())
    assert report["protocol"]["linear l2"] == "2.5"
    assert report["origin"]["run"] == "tiny"
    assert report["few"] == []
    assert {row["representation"] for row in report["aus"]} == {"both", "knn both", "chance", "majority"}


def test_the_curve_goes_from_the_untrained_encoder_over_each_checkpoint_to_the_last(labelled: Workspace) -> None:
    folder = run_folder(labelled, "tiny")
    checkpoints.save(folder.step_checkpoint(20), checkpoints.load(folder.last) | {"step": 20})
    result = call(labelled, "--curve", "--no-few", "--checkpoint", "last")
    assert result.exit_code == 0, result.output
    report = json.loads((labelled.root / "scores/synthetic/tiny/last/scores.json").read_text())
    steps = [(point["step"], point["pairs_seen"]) for point in report["curve"] if point["representation"] == "au"]
    assert steps == [(0, 0), (20, 20 * 64), (50, 50 * 64)]
    scores = {point["step"]: point["f1"] for point in report["curve"] if point["representation"] == "au"}
    (mean,) = [row for row in report["aus"] if row["representation"] == "au" and row["au"] == "mean"]
    assert scores[50] == pytest.approx(mean["f1"])


def test_a_run_of_another_workspace_and_its_export_score_alike(labelled: Workspace, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "other")
    write_run(other, "elsewhere")
    folder = export(load_trained(other, "elsewhere"), tmp_path / "export")
    by_run = call(labelled, "--encoder", other.root / "runs" / "elsewhere", "--to", tmp_path / "a")
    by_export = call(labelled, "--encoder", folder, "--to", tmp_path / "b")
    assert by_run.exit_code == by_export.exit_code == 0, by_run.output + by_export.output
    one, two = (json.loads((tmp_path / name / "scores.json").read_text()) for name in "ab")
    assert one["aus"] == two["aus"]


def test_several_sets_are_listed(labelled: Workspace) -> None:
    label_faces(labelled, drawn_aus(48), dataset="emotionet")
    result = call(labelled)
    assert result.exit_code == 1
    assert "has labels of 2 sets; name one with --dataset: synthetic, emotionet" in result.stderr


def test_no_labels_say_how_to_get_some(workspace: Workspace) -> None:
    workspace_with_run(workspace)
    result = call(workspace)
    assert result.exit_code == 1
    assert "has no labels; read some with tcae-prep labels, or render tcae-prep demo" in result.stderr


def test_faces_of_another_template_are_refused_unless_that_is_meant(labelled: Workspace) -> None:
    write_run(labelled, "other", template="ffhq")
    refused = call(labelled, "--encoder", "other")
    assert refused.exit_code == 1
    assert "ffhq" in refused.stderr
    assert call(labelled, "--encoder", "other", "--any-template").exit_code == 0


def test_an_export_has_no_curve(labelled: Workspace, tmp_path: Path) -> None:
    folder = export(load_trained(labelled, "tiny"), tmp_path / "export")
    result = call(labelled, "--encoder", folder, "--curve")
    assert result.exit_code == 1
    assert "is an export, which keeps no checkpoints to draw a curve from" in result.stderr


def test_an_unreadable_face_is_one_without_an_embedding(labelled: Workspace) -> None:
    next((labelled.root / "faces").rglob("*.jpg")).write_bytes(b"")
    result = call(labelled)
    assert result.exit_code == 0, result.output
    assert "48 labelled frames = 47 with a face + 1 without" in result.stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [(("--draws", "0"), "draws 0 at least 1"), (("--split-file", "nowhere.csv"), "nowhere.csv holds no earlier")],
)
def test_nonsense_is_refused_before_anything_is_embedded(
    labelled: Workspace, wrong: tuple[str, str], said: str
) -> None:
    result = call(labelled, *wrong)
    assert result.exit_code == 1
    assert said in result.stderr
    assert not (labelled.manifest("embeddings")).exists()
