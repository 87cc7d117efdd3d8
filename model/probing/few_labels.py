"""Which training identities a probe is fitted on where only few are labelled."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tcae.manifests.errors import ConfigError
from tcae.manifests.splits import seeded_hash

COUNTS: tuple[int | None, ...] = (1, 3, 9, None)
"""Of training identities; None is all."""


@dataclass(frozen=True, kw_only=True)
class Subset:
    """Some of the training identities."""

    repeat: int
    """From 0; another repeat is another order of the identities."""
    identities: tuple[str, ...]
    """In the repeat's order: a smaller subset of the same repeat is the first of these."""

    @property
    def num_identities(self) -> int:
        """How many there are."""
        return len(self.identities)


def subsets(
    identities: Collection[str], counts: Sequence[int | None] = COUNTS, *, repeats: int = 3, seed: int = 0
) -> list[Subset]:
    """Choose identities, the smallest subsets first; within a repeat each holds those before it.

    The choice depends on names and seed alone. All identities are there once, whatever ``repeats`` says, and stand
    for every count that they do not exceed.

    Args:
        identities: Those of training.
        counts: How many are chosen; None is all.
        repeats: Choices for each count.
        seed: Another seed is other choices.

    Raises:
        ConfigError: there is no identity, or a count or ``repeats`` is below 1.
    """
    names = sorted(set(identities))
    if not names:
        raise ConfigError("there is no training identity to choose from")
    wrong = [count for count in (*counts, repeats) if count is not None and count < 1]
    if wrong:
        raise ConfigError(f"numbers of identities and of repeats must be at least 1, not {wrong[0]}")
    orders = [sorted(names, key=lambda name: (seeded_hash(seed + repeat, name), name)) for repeat in range(repeats)]
    sizes = sorted({min(count or len(names), len(names)) for count in counts})
    return [
        Subset(repeat=repeat, identities=tuple(order[:size]))
        for size in sizes
        for repeat, order in enumerate(orders[: 1 if size == len(names) else repeats])
    ]
