"""``tcae export``."""

from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tcae.cli.main import learn
from tcae.manifests.pairs import PairIndex
from tcae.manifests.workspace import Workspace
from tcae.model.encoders.export import read_export
from tcae.model.training import checkpoints
from tcae.model.training.runs import data_provenance, run_folder, write_config
from tests.encoder_builders import trained
from tests.training_builders import make_training_workspace


@pytest.fixture
def with_run(workspace: Workspace) -> Workspace:
    """A workspace with the run ``tiny``; its last checkpoint is newer and worse than its best."""
    run, data = trained(), {"template": "tcae"}
    folder = run_folder(workspace, "tiny")
    write_config(folder, run.recipe, data)
    about = {"model": run.model.state_dict(), "recipe": asdict(run.recipe), "data": data}
    checkpoints.save(folder.best, about | {"step": 40, "metrics": {"displacement_ratio": 3.0}})
    checkpoints.save(folder.last, about | {"step": 50, "metrics": {"displacement_ratio": 0.5}})
    return workspace


def call(workspace: Workspace, *options: str) -> Result:
    return CliRunner().invoke(learn, ["export", "--root", str(workspace.root), *options])


def test_the_best_checkpoint_is_exported_into_the_run(with_run: Workspace) -> None:
    result = call(with_run, "--run", "tiny")
    assert result.exit_code == 0, result.output
    folder = with_run.root / "runs" / "tiny" / "encoder"
    facts = read_export(folder)[0]
    assert (facts.run, facts.checkpoint, facts.step, facts.template) == ("tiny", "best", 40, "tcae")
    wanted = f"{folder}: encoder of tiny, best, step 40; {facts.num_parameters:,} parameters; template tcae\n"
    assert result.stdout == wanted
    assert result.stderr == ""


def test_branches_that_changed_roles_are_warned_of(with_run: Workspace, tmp_path: Path) -> None:
    result = call(with_run, "--run", "tiny", "--checkpoint", "last", "--to", str(tmp_path / "exported"))
    assert read_export(tmp_path / "exported")[0].step == 50
    assert "is 0.50 times as long as the AU displacement; the two branches may have changed roles" in result.stderr


def test_the_card_counts_the_training_faces_while_the_split_is_the_same(with_run: Workspace) -> None:
    make_training_workspace(with_run)
    index = PairIndex.open(with_run.manifest("pairs") / "train")
    folder = run_folder(with_run, "tiny")
    write_config(folder, trained().recipe, data_provenance(with_run, index))
    call(with_run, "--run", "tiny")
    data = dict(read_export(folder.path / "encoder")[0].data)
    assert data == {
        "pairs": index.fingerprint,
        "within": "track",
        "template": "tcae",
        "margin": "0.0",
        "num_identities": 2,
        "num_videos": 2,
        "num_tracks": 4,
        "num_faces": 16,
        "num_pairs": 48,
    }
    write_config(folder, trained().recipe, {"pairs": "another", "template": "tcae"})
    call(with_run, "--run", "tiny")
    assert "num_faces" not in read_export(folder.path / "encoder")[0].data


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--run", "nobody"), "there is no run nobody"),
        (("--run", "tiny", "--checkpoint", "7"), "run tiny has no checkpoint 7; there is best, last"),
        (("--run", "tiny", "--to", "."), "holds something other than an export"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_1(with_run: Workspace, options: tuple[str, ...], message: str) -> None:
    result = call(with_run, *options)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
