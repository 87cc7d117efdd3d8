"""What is wrong, where, and what to do: counted in full, kept in part."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

EXAMPLES = 20
"""Findings of one kind that are kept with their paths; the others are counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    path: str
    """The file or the clip, relative to the workspace."""
    detail: str
    """What was found and what would be right."""
    remedy: str
    """What to do about it."""


@dataclass(slots=True)
class Findings:
    """Findings by kind; the memory that they take does not grow with their number."""

    counts: Counter[str] = field(default_factory=Counter)
    """How many there are of each kind."""
    examples: dict[str, list[Finding]] = field(default_factory=dict)
    """The first of each kind."""

    def note(self, kind: str, path: str, detail: str, remedy: str) -> None:
        """Count one finding and keep it while there are few of its kind."""
        self.counts[kind] += 1
        kept = self.examples.setdefault(kind, [])
        if len(kept) < EXAMPLES:
            kept.append(Finding(path, detail, remedy))

    def add(self, other: "Findings") -> None:
        """Take in the findings of another part."""
        self.counts.update(other.counts)
        for kind, found in other.examples.items():
            kept = self.examples.setdefault(kind, [])
            kept.extend(found[: EXAMPLES - len(kept)])

    def __iter__(self) -> Iterator[tuple[str, list[Finding], int]]:
        """Kind, its examples, and how many more there are; by kind."""
        for kind in sorted(self.counts):
            yield kind, self.examples[kind], self.counts[kind] - len(self.examples[kind])

    @property
    def total(self) -> int:
        """Findings of every kind together."""
        return self.counts.total()
