"""Facial actions, the action units that they amount to, and the named mixtures.

Actions are ARKit's, with a weight in 0-1 each. The action units (AUs) of the Facial Action Coding System are read off
the weights, after Ozel's "ARKit to FACS" cheat sheet: an AU is the mean of its left and right action.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

PRESENT_ABOVE = 0.3
"""An AU counts as present in a frame where its intensity is above this."""


def _both(name: str) -> tuple[str, str]:
    return f"{name}Left", f"{name}Right"


ACTIONS_OF_AU: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "AU01": ("browInnerUp",),
        "AU02": _both("browOuterUp"),
        "AU04": _both("browDown"),
        "AU05": _both("eyeWide"),
        "AU06": _both("cheekSquint"),
        "AU09": _both("noseSneer"),
        "AU10": _both("mouthUpperUp"),
        "AU12": _both("mouthSmile"),
        "AU15": _both("mouthFrown"),
        "AU17": ("mouthShrugLower",),
        "AU20": _both("mouthStretch"),
        "AU26": ("jawOpen",),
        "AU45": _both("eyeBlink"),
    }
)
"""The AUs that are an action or the mean of two. AU25 comes from ``LIPS_PART``."""

LIPS_PART: Mapping[str, float] = MappingProxyType(
    {
        "jawOpen": 2.0,
        **dict.fromkeys(_both("mouthLowerDown"), 0.16),
        **dict.fromkeys(_both("mouthUpperUp"), 0.2),
        "mouthClose": -2.0,
        "mouthShrugLower": -0.3,
        "mouthPucker": -0.15,
    }
)
"""AU25 (lips part): the gap between the lips at their middle, where 8.3 mm is 1; measured on the head pack."""

AU_NAMES: tuple[str, ...] = tuple(sorted([*ACTIONS_OF_AU, "AU25"]))
"""The 14 labelled AUs: those that BP4D or DISFA score and that a 256 px face shows, and the blink."""

MOVEMENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {name: (name,) for name in ("browInnerUp", "jawOpen", "mouthShrugLower", "mouthPucker", "mouthFunnel")}
    | {
        name: _both(name)
        for name in (
            "browOuterUp",
            "browDown",
            "eyeWide",
            "eyeSquint",
            "eyeBlink",
            "cheekSquint",
            "noseSneer",
            "mouthUpperUp",
            "mouthLowerDown",
            "mouthSmile",
            "mouthDimple",
            "mouthFrown",
            "mouthStretch",
            "mouthPress",
        )
    }
)
"""What rises and falls on its own: one action, or a left and a right one together."""

MIXTURES: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "smile": {"mouthSmile": 0.95, "cheekSquint": 0.8, "mouthUpperUp": 0.35, "jawOpen": 0.1},
        "surprise": {"browInnerUp": 0.9, "browOuterUp": 0.9, "eyeWide": 0.9, "jawOpen": 0.7},
        "anger": {"browDown": 1.0, "eyeWide": 0.35, "noseSneer": 0.35, "mouthPress": 0.7, "mouthShrugLower": 0.5},
        "disgust": {"noseSneer": 1.0, "mouthUpperUp": 0.8, "browDown": 0.5, "cheekSquint": 0.4},
        "sadness": {"browInnerUp": 0.9, "browDown": 0.35, "mouthFrown": 0.9, "mouthShrugLower": 0.6},
        "fear": {"browInnerUp": 0.8, "browOuterUp": 0.5, "eyeWide": 0.9, "mouthStretch": 0.9, "jawOpen": 0.25},
    }
)
"""Six mixtures: weights of movements at their height."""


def intensities(weights: NDArray[np.float32], action_names: Sequence[str]) -> NDArray[np.float32]:
    """The intensity of each AU.

    Args:
        weights: (N, len(action_names)) in 0-1.
        action_names: The action of each column.

    Returns:
        (N, 14) in 0-1, columns as ``AU_NAMES``.
    """
    column = {name: weights[:, index] for index, name in enumerate(action_names)}
    values = {au: np.mean([column[name] for name in names], axis=0) for au, names in ACTIONS_OF_AU.items()}
    values["AU25"] = sum((share * column[name] for name, share in LIPS_PART.items()), np.zeros(len(weights)))
    return np.asarray(np.clip(np.stack([values[au] for au in AU_NAMES], axis=1), 0, 1), np.float32)
