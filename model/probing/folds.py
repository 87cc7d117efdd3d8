"""Who is fitted on and who is scored: the folds of a protocol over the faces that there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tcae.manifests.errors import ConfigError
from tcae.manifests.folds import read_folds
from tcae.manifests.splits import read_assignments
from tcae.manifests.workspace import Workspace
from tcae.model.probing.protocols import Protocol

FITTED, SCORED = ("train",), ("val", "test")
"""Of a split: the probe sees no face of val, so both halves that training did not see may be scored."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fold:
    """One fit: masks (N,) over the labelled faces, without an identity in both."""

    name: str
    """``1``, ``2``, ... of a published list, else ``test``."""
    fitted: NDArray[np.bool_]
    scored: NDArray[np.bool_]


def folds_of(
    protocol: Protocol, rows: pd.DataFrame, workspace: Workspace, split_file: Path | None = None
) -> tuple[list[Fold], list[str]]:
    """The folds of a protocol, and what a user should know about them.

    Args:
        protocol: Says who is tested.
        rows: The labelled faces, with ``identity`` and perhaps ``official_split``.
        workspace: Whose `tcae-prep split` decides where the protocol leaves it to that.
        split_file: A user's list (CSV with identity, split), taken instead of the protocol's own.

    Raises:
        ConfigError: a list is missing, or leaves nobody to fit on or nobody to score.
    """
    if split_file is None and protocol.split == "folds":
        return _published(protocol, rows)
    split = _split(protocol, rows, workspace, split_file)
    fold = Fold(
        name="test",
        fitted=split.isin(FITTED).to_numpy(),
        scored=split.isin(SCORED if protocol.split == "workspace" else ("test",)).to_numpy(),
    )
    _check(protocol, fold)
    left_out = int((~(fold.fitted | fold.scored)).sum())
    return [fold], [f"{left_out:,} labelled faces are neither fitted on nor scored"] if left_out else []


def _published(protocol: Protocol, rows: pd.DataFrame) -> tuple[list[Fold], list[str]]:
    fold_of = read_folds(protocol.folds or protocol.name)
    number = rows["identity"].map(fold_of)
    listed = number.notna().to_numpy()
    folds = [
        Fold(name=str(k), fitted=listed & (number != k).to_numpy(), scored=(number == k).to_numpy())
        for k in sorted(set(fold_of.values()))
    ]
    for fold in folds:
        _check(protocol, fold)
    notes = []
    if strangers := sorted(set(rows["identity"][~listed])):
        notes.append(f"{len(strangers)} identities are in no published fold and are left out, e.g. {strangers[0]}")
    if absent := sorted(set(fold_of) - set(rows["identity"])):
        notes.append(
            f"{len(absent)} of the {len(fold_of)} identities of the published folds have no labelled face, e.g. "
            f"{absent[0]}: these scores are not those of the whole set"
        )
    return folds, notes


def _split(protocol: Protocol, rows: pd.DataFrame, workspace: Workspace, split_file: Path | None) -> "pd.Series[str]":
    """train, val, test or null for each face."""
    if split_file is None and protocol.split == "official":
        if "official_split" in rows and rows["official_split"].notna().any():
            return rows["official_split"]
        raise ConfigError(
            f"the labels of {protocol.title} do not say who is tested; name a CSV file with the columns identity and "
            "split (train or test) with --split-file"
        )
    lists: Mapping[str, str] = read_assignments(split_file or workspace.manifest("identities"))
    return rows["identity"].map(lists)


def _check(protocol: Protocol, fold: Fold) -> None:
    for verb, mask in (("fit on", fold.fitted), ("score", fold.scored)):
        if not mask.any():
            raise ConfigError(f"fold {fold.name} of {protocol.title} has no labelled face to {verb}")
