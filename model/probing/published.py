"""Scores that papers print, and what they print nothing of; every number with its source."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRow:
    """One row of a published table."""

    method: str
    measure: str
    """``f1`` or ``accuracy``, in percent, or ``mae_degrees``."""
    texts: Mapping[str, str]
    """The numbers as printed, by ``AU01`` ..., ``mean`` (rounding sets it up to 0.1 beside the row's mean) or
    ``accuracy``; empty where numbers exist but are not available."""
    source: str
    note: str
    """What keeps it from being compared without thought; may be empty."""

    @property
    def scores(self) -> dict[str, float]:
        """The numbers, in percent or degrees."""
        return {name: float(text) for name, text in self.texts.items()}


def published(dataset: str) -> list[PublishedRow]:
    """The published rows of a labelled set, those of the papers in their order; none for a set without any."""
    lines = (files("tcae.model.probing") / "published.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return [_row(row) for row in rows if row["dataset"] == dataset]


def _row(row: Mapping[str, str]) -> PublishedRow:
    values = row["values"].split()
    return PublishedRow(
        method=row["method"],
        measure=row["measure"],
        texts=dict(zip(row["names"].split(), values, strict=True)) if values else {},
        source=row["source"],
        note=row["note"],
    )
