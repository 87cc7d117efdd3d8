"""Who is fitted on and who is scored."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tcae.manifests.errors import ConfigError
from tcae.manifests.folds import read_folds
from tcae.manifests.workspace import Workspace
from tcae.model.probing.folds import Fold, folds_of
from tcae.model.probing.protocols import PROTOCOLS, protocol_of
from tests.training_builders import make_training_workspace


def rows_of(*people: str, **columns: list[str]) -> pd.DataFrame:
    """Two faces of each person."""
    return pd.DataFrame({"identity": np.repeat(people, 2), **columns})


def people_in(fold: Fold, rows: pd.DataFrame) -> tuple[set[str], set[str]]:
    return set(rows["identity"][fold.fitted]), set(rows["identity"][fold.scored])


@pytest.mark.parametrize("name", [name for name, protocol in PROTOCOLS.items() if protocol.folds])
def test_published_folds_score_everyone_once_and_never_who_was_fitted_on(name: str, workspace: Workspace) -> None:
    protocol = protocol_of(name)
    rows = rows_of(*sorted(read_folds(protocol.folds or "")))
    folds, notes = folds_of(protocol, rows, workspace)
    assert notes == []
    assert [fold.name for fold in folds] == ["1", "2", "3"]
    assert np.array_equal(np.sum([fold.scored for fold in folds], axis=0), np.ones(len(rows)))
    for fold in folds:
        fitted, scored = people_in(fold, rows)
        assert not fitted & scored
        assert fitted | scored == set(rows["identity"])


def test_strangers_to_a_published_list_are_left_out_and_named(workspace: Workspace) -> None:
    rows = rows_of(*sorted(read_folds("disfa")), "SN099")
    folds, notes = folds_of(protocol_of("disfa"), rows, workspace)
    assert notes == ["1 identities are in no published fold and are left out, e.g. SN099"]
    assert not any((fold.fitted | fold.scored)[-2:].any() for fold in folds)


def test_absent_people_of_a_published_list_are_told(workspace: Workspace) -> None:
    some = [person for person in sorted(read_folds("disfa")) if person != "SN001"]
    _, notes = folds_of(protocol_of("disfa"), rows_of(*some), workspace)
    assert notes[0].startswith("1 of the 27 identities of the published folds have no labelled face, e.g. SN001")


def test_rendered_heads_are_fitted_on_train_and_scored_on_val_and_test(workspace: Workspace) -> None:
    make_training_workspace(workspace, side=16)
    rows = rows_of("id0", "id1", "id2", "id3")
    (fold,), _ = folds_of(protocol_of("synthetic"), rows, workspace)
    fitted, scored = people_in(fold, rows)
    assert (len(fitted), len(scored), fitted & scored) == (2, 2, set())


def test_the_sets_own_split_scores_its_test_faces_alone(workspace: Workspace) -> None:
    rows = rows_of("a", "b", "c", official_split=["train", "train", "val", "val", "test", "test"])
    (fold,), notes = folds_of(protocol_of("fer2013"), rows, workspace)
    assert people_in(fold, rows) == ({"a"}, {"c"})
    assert notes == ["2 labelled faces are neither fitted on nor scored"]


def test_a_users_list_decides_wherever_it_is_given(tmp_path: Path, workspace: Workspace) -> None:
    listed = tmp_path / "split.csv"
    listed.write_text("identity,split\r\na,test\r\nb,train\r\n")
    rows = rows_of("a", "b")
    (fold,), _ = folds_of(protocol_of("gft"), rows, workspace, listed)
    assert people_in(fold, rows) == ({"b"}, {"a"})


def test_gft_needs_its_list_unless_its_labels_were_read_with_one(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match=r"the labels of GFT do not say who is tested; .* --split-file"):
        folds_of(protocol_of("gft"), rows_of("a", "b"), workspace)
    rows = rows_of("a", "b", official_split=["train", "train", "test", "test"])
    (fold,), _ = folds_of(protocol_of("gft"), rows, workspace)
    assert people_in(fold, rows) == ({"a"}, {"b"})


def test_a_list_that_leaves_nobody_to_score_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    listed = tmp_path / "split.csv"
    listed.write_text("identity,split\na,train\nb,train\n")
    with pytest.raises(ConfigError, match="fold test of GFT has no labelled face to score"):
        folds_of(protocol_of("gft"), rows_of("a", "b"), workspace, listed)


def test_labels_without_a_split_of_their_own_ask_for_a_list(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match="the labels of FER-2013 do not say who is tested"):
        folds_of(protocol_of("fer2013"), rows_of("a", "b"), workspace)
