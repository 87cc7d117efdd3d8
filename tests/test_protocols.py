"""Each protocol from the files of a set to the table of scores, by the commands that its page in the docs gives."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from click import Group
from click.testing import CliRunner

from tcae.cli.main import learn, prep
from tcae.manifests.workspace import Workspace
from tcae.model.probing.report import read_report
from tcae.model.probing.results import AuScore, ProbeReport
from tests import picture_set_builders as picture_sets
from tests import set_builders as sets
from tests.run_builders import write_run
from tests.set_builders import MadeSet, Truth

QUICK = ("--encoder", "tiny", "--any-template", "--draws", "20", "--device", "cpu", "--threads", "1")


def told(group: Group, workspace: Workspace, *command: object) -> str:
    """What a command prints that must succeed, its table and its messages."""
    arguments = [*map(str, command), "--root", str(workspace.root)]
    result = CliRunner().invoke(group, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def prepare(workspace: Workspace, made: MadeSet, layout: str, *options: object, source: str | None = None) -> str:
    """Extract, align and label; gives what the labels' command said."""
    extract = ("--source", made.source, "--layout", source or layout, "--fps", "native", "--workers", 0)
    told(prep, workspace, "extract", *extract)
    told(prep, workspace, "align", "--detector", "whole", "--device", "cpu", "--workers", 0)
    return told(prep, workspace, "labels", "--layout", layout, made.labels, *options)


def score(workspace: Workspace, dataset: str, *options: object) -> tuple[ProbeReport, str]:
    """Probe with a tiny network; gives the report, and its tables as Markdown."""
    write_run(workspace)
    told(learn, workspace, "probe", "--dataset", dataset, *QUICK, *options)
    folder = workspace.root / "scores" / dataset / "tiny" / "best"
    return read_report(folder), (folder / "probe.md").read_text()


def coverage(truths: Sequence[Truth]) -> str:
    """The last line of the labels' command."""
    reasons = Counter(truth.without for truth in truths if truth.without)
    with_frame = len(truths) - reasons["no_frame"]
    parts = [f"{len(truths) - reasons.total():,} with a face"]
    parts += [f"{count:,} {reason}" for reason, count in sorted(reasons.items(), key=lambda each: (-each[1], each[0]))]
    return f"{len(truths):,} labelled frames, {with_frame:,} of them with a frame = {' + '.join(parts)}"


def by_au(report: ProbeReport, representation: str, fold: str) -> dict[str, AuScore]:
    return {row.au: row for row in report.aus if (row.representation, row.fold) == (representation, fold)}


def f1(report: ProbeReport, representation: str, fold: str) -> float:
    return by_au(report, representation, fold)["mean"].f1 or 0.0


def expected(truths: Sequence[Truth], au: str, above: float) -> tuple[int, int]:
    """Labels and positives of an AU among the frames with a face."""
    values = [truth.aus[au] for truth in truths if not truth.without]
    there = [value for value in values if value is not None]
    return len(there), sum(value > above for value in there)


def check_folds(
    report: ProbeReport, made: MadeSet, aus: Sequence[str], parts: Sequence[str], above: float = 0.5
) -> None:
    """Each fold scores the people of its part, with their own labels, and all of the protocol's AUs."""
    assert {row.fold for row in report.aus} == {"1", "2", "3", "pooled", "folds"}
    for fold, people in enumerate(parts, 1):
        rows = by_au(report, "au", str(fold))
        assert tuple(rows) == (*aus, "mean")
        scored = [truth for truth in made.truths if truth.identity in people.split()]
        for au in aus:
            assert (rows[au].num_labelled, rows[au].num_positives) == expected(scored, au, above)
    pooled = by_au(report, "au", "pooled")
    assert {au: (pooled[au].num_labelled, pooled[au].num_positives) for au in aus} == {
        au: expected(made.truths, au, above) for au in aus
    }


def check_count(report: ProbeReport, truths: Sequence[Truth]) -> None:
    """Every labelled frame has a face or is counted as one without."""
    assert report.num_labelled_frames == len(truths)
    assert report.num_without_face == sum(truth.without is not None for truth in truths)


def check_split(report: ProbeReport, made: MadeSet, aus: Sequence[str]) -> None:
    """Those of the test split are scored, and the planted signal is found."""
    rows = by_au(report, "au", "test")
    assert tuple(rows) == (*aus, "mean")
    for au in aus:
        scored = [truth for truth in made.truths if truth.split == "test"]
        assert (rows[au].num_labelled, rows[au].num_positives) == expected(scored, au, 0.5)
    check_count(report, made.truths)
    assert f1(report, "pixels", "test") > f1(report, "chance", "test") + 0.15


def test_bp4d(workspace: Workspace, tmp_path: Path) -> None:
    made = sets.make_bp4d(tmp_path / "BP4D")
    said = prepare(workspace, made, "bp4d")
    assert said.splitlines()[-1] == coverage(made.truths)
    assert "missing labels among 220 frames: AU14 2, AU23 2" in said
    assert "people of the list without labels" not in said
    report, table = score(workspace, "bp4d")
    check_count(report, made.truths)
    check_folds(report, made, sets.BP4D_AUS, sets.BP4D_PARTS)
    assert report.protocol["identities scored, by fold"] == "14, 14, 13"
    assert "missing labels of AUs, which count nowhere: 4" in report.notes
    assert f1(report, "pixels", "pooled") > f1(report, "chance", "pooled") + 0.15
    for method, mean in {"TCAE": "56.1", "FAb-Net": "52.0", "SplitBrain": "53.5", "DeformAE": "52.3"}.items():
        assert [line for line in table.splitlines() if line.startswith(f"| *{method} ") and line.endswith(f"{mean} |")]


def test_disfa_by_each_of_its_protocols(workspace: Workspace, tmp_path: Path) -> None:
    made = sets.make_disfa(tmp_path / "DISFA")
    said = prepare(workspace, made, "disfa")
    assert said.splitlines()[-1] == coverage(made.truths)
    assert "missing labels among 216 frames: AU26 1" in said
    report, table = score(workspace, "disfa", "--no-few", "--neighbours", 0)
    check_count(report, made.truths)
    eight = [au for au in sets.DISFA_AUS if au not in ("AU05", "AU15", "AU17", "AU20")]
    check_folds(report, made, eight, sets.DISFA_PARTS, above=1)
    assert f1(report, "pixels", "pooled") > f1(report, "chance", "pooled") + 0.15
    assert "45.0 |" in next(line for line in table.splitlines() if line.startswith("| *TCAE "))
    assert report.protocol["identities scored, by fold"] == "9, 9, 9"
    short = ("--no-few", "--neighbours", 0, "--no-baselines")
    check_folds(score(workspace, "disfa-12", *short)[0], made, sets.DISFA_AUS, sets.DISFA_PARTS, above=1)
    fg2020, table = score(workspace, "disfa-fg2020", *short)
    check_folds(fg2020, made, sets.DISFA_AUS, sets.FG2020_PARTS, above=1)
    assert "Fung and McDuff" in table


def test_gft(workspace: Workspace, tmp_path: Path) -> None:
    made = sets.make_gft(tmp_path / "GFT")
    said = prepare(workspace, made, "gft", "--split-file", tmp_path / "GFT/splits.csv")
    assert said.splitlines()[-1] == coverage(made.truths)
    assert "people in no split of the list: 1, 004C" in said
    assert "people of the list without labels: 1, 099A" in said
    assert "missing labels among 144 frames: AU15 12" in said
    report, table = score(workspace, "gft", "--no-few", "--neighbours", 0)
    check_split(report, made, sets.GFT_AUS)
    assert "24 labelled faces are neither fitted on nor scored" in report.notes
    assert "not available" in table


def test_emotionet(workspace: Workspace, tmp_path: Path) -> None:
    made = picture_sets.make_emotionet(tmp_path / "EmotioNet")
    said = prepare(workspace, made, "emotionet", source="pictures")
    assert said.splitlines()[-1] == coverage(made.truths)
    assert "missing labels among 48 frames: AU43 5" in said
    options = ("--split-file", tmp_path / "EmotioNet/splits.csv", "--no-few", "--neighbours", 0)
    check_split(score(workspace, "emotionet", *options)[0], made, picture_sets.EMOTIONET_AUS)


def accuracies(report: ProbeReport) -> dict[str, float]:
    return {row.representation: row.value or 0 for row in report.classes if row.name == "accuracy"}


def test_fer2013(workspace: Workspace, tmp_path: Path) -> None:
    made = picture_sets.make_fer2013(tmp_path)
    labels = ("labels", "--layout", "fer2013", made.labels)
    assert "56 pictures unpacked" in told(prep, workspace, *labels)
    told(prep, workspace, "extract", "--layout", "pictures", "--format", "png", "--workers", 0)
    told(prep, workspace, "align", "--detector", "whole", "--device", "cpu", "--workers", 0)
    assert told(prep, workspace, *labels).splitlines()[-1] == coverage(made.truths)
    report, table = score(workspace, "fer2013")
    check_count(report, made.truths)
    assert {row.name for row in report.classes} == {"accuracy", *picture_sets.FER_EXPRESSIONS}
    assert (report.protocol["faces fitted on, over all folds"], report.protocol["faces scored"]) == ("35", "14")
    assert accuracies(report)["pixels"] > accuracies(report)["majority"] + 0.3
    assert "| *TCAE \\[1\\]* | 45.05 |" in table
    assert "| *FaceCycle \\[1\\]* | 48.76 |" in table


def test_rafdb(workspace: Workspace, tmp_path: Path) -> None:
    made = picture_sets.make_rafdb(tmp_path / "basic")
    assert prepare(workspace, made, "rafdb").splitlines()[-1] == coverage(made.truths)
    report, table = score(workspace, "rafdb")
    check_count(report, made.truths)
    assert {row.name for row in report.classes} == {"accuracy", *picture_sets.RAF_EXPRESSIONS}
    assert (report.protocol["faces fitted on, over all folds"], report.protocol["faces scored"]) == ("34", "13")
    assert accuracies(report)["pixels"] > accuracies(report)["majority"] + 0.3
    assert "| *TCAE \\[1\\]* | 65.32 |" in table


def test_head_poses_are_fitted_on_300w_lp_and_scored_on_two_sets(workspace: Workspace, tmp_path: Path) -> None:
    fitted, scored = picture_sets.make_300w_lp(tmp_path / "300W_LP"), picture_sets.make_aflw2000(tmp_path / "AFLW2000")
    said = prepare(workspace, fitted, "300w-lp", source="pictures")
    assert said.splitlines()[-1] == coverage(fitted.truths)
    said = prepare(workspace, scored, "aflw2000", source="pictures")
    assert "1 of 13 faces are turned by more than 99 degrees and are left out" in said
    assert said.splitlines()[-1] == coverage(scored.truths)
    recordings = picture_sets.make_biwi(tmp_path / "hpdb")
    assert prepare(workspace, recordings, "biwi").splitlines()[-1] == coverage(recordings.truths)
    for name, made in (("aflw2000", scored), ("biwi", recordings)):
        report, _ = score(workspace, name)
        check_count(report, [*fitted.truths, *made.truths])
        assert report.protocol["faces scored"] == str(len([row for row in made.truths if not row.without]))
        angles = {row.angle: row for row in report.angles if row.representation == "pixels"}
        assert list(angles) == ["yaw", "pitch", "roll", "mean"]
        assert all((row.r2 or 0) > 0.8 for row in angles.values())


def test_openface(workspace: Workspace, tmp_path: Path) -> None:
    made = sets.make_openface(tmp_path)
    said = prepare(workspace, made, "openface", source="clips")
    assert "2 frames in which OpenFace lost the face have no labels" in said
    assert said.splitlines()[-1] == coverage(made.truths)
    told(prep, workspace, "split", "--ratios", "50/20/30")
    report, _ = score(workspace, "openface", "--no-few", "--neighbours", 0)
    check_count(report, made.truths)
    assert tuple(by_au(report, "au", "test")) == (*sets.OPENFACE_AUS, "mean")
    assert f1(report, "pixels", "test") > f1(report, "chance", "test") + 0.1
    assert [row.angle for row in report.angles if row.representation == "au"] == ["yaw", "pitch", "roll", "mean"]


def test_the_lists_of_openface(workspace: Workspace, tmp_path: Path) -> None:
    made = picture_sets.make_openface_list(tmp_path)
    said = prepare(workspace, made, "openface-list", source="pictures")
    assert said.splitlines()[-1] == coverage(made.truths)
    options = ("--split-file", tmp_path / "splits.csv", "--no-few", "--neighbours", 0)
    check_split(score(workspace, "openface-list", *options)[0], made, sets.OPENFACE_AUS)


def test_faces_of_another_template_are_refused_until_they_are_asked_for(workspace: Workspace, tmp_path: Path) -> None:
    made = picture_sets.make_rafdb(tmp_path / "basic", {"train": 1, "test": 1})
    prepare(workspace, made, "rafdb")
    write_run(workspace)
    result = CliRunner().invoke(learn, ["probe", "--encoder", "tiny", "--root", str(workspace.root)])
    assert result.exit_code == 1
    assert "the encoder wants faces aligned to tcae" in result.stderr
    assert "--any-template" in result.stderr
