"""Colours and short names of representations, the same in every panel."""

import re

CHANCE_INK = "#c2410c"
OTHER_INK = "#c0c6c8"

_INKS = {
    "au": "#2f7d76",
    "pose": "#d98a29",
    "both": "#8f5b8c",
    "face": "#3d6b9e",
    "pixels": "#79848a",
    "untrained": "#9cc6c1",
    "chance": CHANCE_INK,
}
_PALE = {"au": "#9cc6c1", "pose": "#eecb9f", "both": "#c9aec7", "face": "#a6bdd6"}
_MOST = 26


def ink_of(representation: str) -> str:
    """Its colour: full for an embedding itself, pale for a variant of it such as ``untrained au``, grey for others."""
    words = re.findall(r"[a-z]+", representation.lower())
    meant = next((word for word in reversed(words) if word in _INKS), "")
    return _INKS.get(meant, OTHER_INK) if len(words) == 1 else _PALE.get(meant, _INKS.get(meant, OTHER_INK))


def shortened(name: str) -> str:
    """At most 26 characters.

    >>> shortened("a" * 30)
    'aaaaaaaaaaaaaaaaaaaaaaa...'
    """
    return name if len(name) <= _MOST else name[: _MOST - 3] + "..."
