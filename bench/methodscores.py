"""The scores of ``methods.py``: what is taken from a probe's report, and the tables that people read."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from tcae.manifests.face_files import FaceFiles
from tcae.manifests.workspace import Workspace
from tcae.model.probe import ProbeConfig, probe
from tcae.model.probing.encoders import Probed
from tcae.model.probing.expressions import ACCURACY
from tcae.model.probing.folds import folds_of
from tcae.model.probing.labelled import labelled_faces
from tcae.model.probing.linear import LinearConfig
from tcae.model.probing.pixels import pixels, read_grey
from tcae.model.probing.protocols import protocol_of
from tcae.model.probing.representations import BOTH
from tcae.model.probing.results import CHANCE, AngleScore, AuScore, ClassScore, OtherScore, headline_of
from tcae.model.probing.scoring import MAJORITY, Compared, score_angles, score_aus, score_classes
from tcae.model.probing.similarity import similarity_scores
from tcae.model.probing.trials import Trial
from tcae.model.recipes.catalogue import recipe_named

HEADS, MIXTURES = "synthetic", "synthetic-mixtures"
FIGURES = {
    "au_f1": "AU F1",
    "yaw_r2": "yaw R2",
    "pitch_r2": "pitch R2",
    "roll_r2": "roll R2",
    "identity": "identity@1",
    "verification": "verification AUC",
    "mixtures": "six mixtures",
}
NAN = math.nan


@dataclass(frozen=True, kw_only=True)
class Score:
    """One row of the table of all scores; shares, with the ends of their intervals over identities."""

    method: str
    """``method:recipe``."""
    state: str
    """``trained`` or ``untrained``."""
    representation: str
    tag: str = ""
    seed: int = 0
    faces: int = 0
    steps: int = 0
    seconds: float = NAN
    au_f1: float = NAN
    au_f1_low: float = NAN
    au_f1_high: float = NAN
    yaw_r2: float = NAN
    yaw_r2_low: float = NAN
    yaw_r2_high: float = NAN
    pitch_r2: float = NAN
    pitch_r2_low: float = NAN
    pitch_r2_high: float = NAN
    roll_r2: float = NAN
    roll_r2_low: float = NAN
    roll_r2_high: float = NAN
    identity: float = NAN
    identity_low: float = NAN
    identity_high: float = NAN
    verification: float = NAN
    verification_low: float = NAN
    verification_high: float = NAN
    mixtures: float = NAN
    mixtures_low: float = NAN
    mixtures_high: float = NAN


def scores_of(workspace: Workspace, subject: Probed, about: Mapping[str, Any], draws: int) -> list[Score]:
    """Probe every embedding of an encoder, and all beside each other where there are several."""
    names = list(subject.encoder.widths)
    names += [BOTH] if len(names) > 1 else []
    common: dict[str, Any] = {
        "embeddings": tuple(names),
        "neighbours": 0,
        "baselines": False,
        "few": False,
        "draws": draws,
    }
    heads, mixtures = (probe(workspace, subject, ProbeConfig(dataset=name, **common)) for name in (HEADS, MIXTURES))
    rows = _rows(names, heads.aus, heads.angles, heads.others, mixtures.classes)
    return [Score(representation=name, **about, **rows[name]) for name in names]


def scores_of_pixels(workspace: Workspace, draws: int) -> list[Score]:
    """The same of the pixels, and of knowing nothing."""
    found: dict[str, dict[str, Any]] = {}
    for name in (HEADS, MIXTURES):
        protocol = protocol_of(name)
        faces = labelled_faces(workspace, protocol)
        trial = Trial(faces=faces, folds=tuple(folds_of(protocol, faces.rows, workspace)[0]), draws=draws)
        grey = pixels(read_grey(faces.files(workspace), FaceFiles(workspace).read))
        compared, linear = Compared(probed=[grey], neighbours=0), LinearConfig()
        is_aus = protocol.task == "aus"
        rows = _rows(
            [grey.name, CHANCE, MAJORITY],
            list(score_aus(compared, trial, linear)) if is_aus else [],
            list(score_angles(compared, trial, linear)) if is_aus else [],
            list(similarity_scores(grey.name, grey.of_fold(trial.folds[0]), trial)) if is_aus else [],
            [] if is_aus else list(score_classes(compared, trial, linear)),
        )
        for key, values in rows.items():
            found.setdefault(key, {}).update(values)
    return [Score(method=name, state="", representation="", **values) for name, values in found.items()]


def _rows(
    names: Sequence[str],
    aus: Sequence[AuScore],
    angles: Sequence[AngleScore],
    others: Sequence[OtherScore],
    classes: Sequence[ClassScore],
) -> dict[str, dict[str, float]]:
    """What a ``Score`` has of each representation."""
    found: dict[str, dict[str, float]] = {name: {} for name in names}
    told = {"identity@1": "identity", "verification AUC": "verification"}

    def note(name: str, figure: str, *values: float | None) -> None:
        if name in found:
            ends = ("", "_low", "_high")
            shown = (NAN if value is None else value for value in values)
            found[name] |= dict(zip((figure + end for end in ends), shown, strict=True))

    for au in headline_of(aus):
        note(au.representation, "au_f1", au.f1, au.f1_low, au.f1_high)
    for angle in angles:
        if angle.angle in ("yaw", "pitch", "roll"):
            note(angle.representation, f"{angle.angle}_r2", angle.r2, angle.r2_low, angle.r2_high)
    for other in others:
        if other.name in told:
            note(other.representation, told[other.name], other.value, other.low, other.high)
    for row in classes:
        if row.name == ACCURACY:
            note(row.representation, "mixtures", row.value, row.low, row.high)
    return found


def write_tables(out: Path) -> str:
    """Write ``scores.parquet`` and ``table.md`` of every file of scores there is; gives the latter."""
    known = {field.name for field in fields(Score)}
    rows = [row for path in sorted(out.glob("*.json")) for row in json.loads(path.read_text(encoding="utf-8"))]
    table = pd.DataFrame([Score(**{name: row[name] for name in known & set(row)}) for row in rows])
    table.to_parquet(out / "scores.parquet")
    text = "\n".join(_markdown(table)) + "\n"
    (out / "table.md").write_text(text, encoding="utf-8")
    return text


def _markdown(table: pd.DataFrame) -> Iterator[str]:
    yield "Percent; means over seeds, in brackets the mean ends of the 95 % intervals over identities."
    yield ""
    yield from _grid(table, _with_interval)
    several = table.groupby(["method", "tag", "state", "representation"])["seed"].transform("nunique") > 1
    if several.any():
        yield ""
        yield "The least and the most over seeds."
        yield ""
        yield from _grid(table[several], _with_range)


def _grid(table: pd.DataFrame, cell: Callable[[pd.DataFrame, str], str]) -> Iterator[str]:
    yield "| | embedding | seeds | faces | seconds | " + " | ".join(FIGURES.values()) + " |"
    yield "| --- | --- |" + " ---: |" * (3 + len(FIGURES))
    groups = table.assign(before=table["state"].map({"": 0, "trained": 1, "untrained": 2}))
    for key, some in groups.groupby(["before", "method", "tag", "representation"], sort=True):
        _, method, tag, representation = key
        state = some["state"].iloc[0]
        shown = [str(method).removesuffix(":small"), _labels(str(method), state), str(tag), state]
        name = " ".join(part for part in shown if part and part != "trained")
        about = [f"{some['seed'].nunique()}", f"{some['faces'].max():,}", _seconds(some)] if state else ["", "", ""]
        yield (
            f"| {name} | {representation} | " + " | ".join([*about, *(cell(some, figure) for figure in FIGURES)]) + " |"
        )


def _labels(method: str, state: str) -> str:
    """Marks a method that has seen what the others are asked."""
    name, _, recipe = method.partition(":")
    return "(sees labels)" if state == "trained" and recipe_named(name, recipe).labels.table else ""


def _seconds(some: pd.DataFrame) -> str:
    known = some["seconds"].dropna()
    return f"{fmean(known):,.0f}" if len(known) else ""


def _with_interval(some: pd.DataFrame, figure: str) -> str:
    value, low, high = (_percent(some[figure + end]) for end in ("", "_low", "_high"))
    return f"{value} ({low} to {high})" if low and value else value


def _with_range(some: pd.DataFrame, figure: str) -> str:
    values = some[figure].dropna()
    return f"{100 * values.min():.1f} to {100 * values.max():.1f}" if len(values) else ""


def _percent(values: "pd.Series[float]") -> str:
    known = values.to_numpy(np.float64)
    known = known[~np.isnan(known)]
    return f"{100 * fmean(known):.1f}" if len(known) else ""
