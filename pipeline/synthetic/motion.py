"""Smooth random movement of a talking head: actions that rise and fall on their own, mixtures, blinks, speech, pose."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tcae.pipeline.synthetic.actions import MIXTURES, MOVEMENTS

Signal = NDArray[np.float32]
"""(N,) one value per frame."""

FPS = 25
"""Of every rendered clip, as in VoxCeleb2."""

MIXTURE_SHARE = 0.25
"""Share of a clip's frames that mixtures drive."""

MIXTURE_FRAMES = 25
"""About how long a mixture lasts."""

EDGE_FRAMES = 6
"""In how many frames a mixture takes over and gives way."""

MAX_MOUTH = 1.4
"""Movements of the lips that add up to more are scaled down to this: displacements that add up break the surface."""

MAX_YAW_DEGREES, MAX_PITCH_DEGREES, MAX_ROLL_DEGREES = 35.0, 15.0, 12.0

_LIPS = tuple(name for name in MOVEMENTS if name.startswith("mouth"))
_GAZE = {"Left": ("eyeLookOutLeft", "eyeLookInRight"), "Right": ("eyeLookInLeft", "eyeLookOutRight")}
_GAZE |= {"Up": ("eyeLookUpLeft", "eyeLookUpRight"), "Down": ("eyeLookDownLeft", "eyeLookDownRight")}


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """What a clip of N frames does.

    Convention: positive yaw turns the face to the picture's right, positive pitch looks up, positive roll turns
    clockwise in the picture; ``shift`` is x right, y down.
    """

    weights: NDArray[np.float32]
    """(N, actions) in 0-1."""
    mixtures: tuple[str | None, ...]
    """The mixture that drives each frame."""
    angles: NDArray[np.float32]
    """(N, 3): yaw, pitch, roll in degrees."""
    shift: NDArray[np.float32]
    """(N, 3): x, y in pixels of a 224-wide frame, and the relative change of size."""


def draw_motion(rng: np.random.Generator, num_frames: int, action_names: tuple[str, ...]) -> Motion:
    """Draw a clip's motion.

    Args:
        rng: Seeded for this clip.
        num_frames: N.
        action_names: The action of each column of the weights.
    """
    moves = {name: _events(rng, num_frames) for name in MOVEMENTS if name not in ("eyeBlink", "jawOpen")}
    moves["jawOpen"] = np.maximum(_events(rng, num_frames, gap_seconds=5.0), _speech(rng, num_frames))
    mixtures, driven, share = _draw_mixtures(rng, num_frames)
    moves = {name: (1 - share) * move + driven[name] for name, move in moves.items()}
    moves["eyeBlink"] = _blinks(rng, num_frames)
    moves = _limit(moves)
    weights = _weigh(rng, moves, num_frames)
    weights |= _gaze(rng, num_frames)
    columns = [weights.get(name, np.zeros(num_frames, np.float32)) for name in action_names]
    return Motion(
        weights=np.clip(np.stack(columns, axis=1), 0, 1).astype(np.float32),
        mixtures=mixtures,
        angles=_pose(rng, num_frames),
        shift=np.stack([_drift(rng, num_frames, size) for size in (7.0, 5.0, 0.05)], axis=1),
    )


def _bump(num_frames: int, start: float, length: float) -> Signal:
    """A raised cosine from 0 over 1 to 0."""
    place = (np.arange(num_frames) - start) / length
    return np.where((place > 0) & (place < 1), 0.5 - 0.5 * np.cos(2 * np.pi * place), 0).astype(np.float32)


def _events(rng: np.random.Generator, num_frames: int, gap_seconds: float = 2.6) -> Signal:
    """A movement that now and then rises, holds shortly and falls."""
    signal = np.zeros(num_frames, np.float32)
    frame = -rng.uniform(0, gap_seconds) * FPS
    while frame < num_frames:
        frame += rng.exponential(gap_seconds) * FPS
        length = rng.uniform(0.8, 2.4) * FPS
        peak = rng.uniform(0.4, 1.0)
        signal = np.maximum(signal, peak * np.minimum(1, 1.4 * _bump(num_frames, frame, length)))
        frame += length
    return signal


def _drift(rng: np.random.Generator, num_frames: int, size: float) -> Signal:
    """A slow wandering within +-``size``."""
    seconds = np.arange(num_frames) / FPS
    waves = [(rng.uniform(0.06, 0.35), rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1.0)) for _ in range(4)]
    total = sum(height for _, _, height in waves)
    wave = sum(height * np.sin(2 * np.pi * pace * seconds + phase) for pace, phase, height in waves)
    return np.asarray(size * wave / total, np.float32)


def _pose(rng: np.random.Generator, num_frames: int) -> NDArray[np.float32]:
    limits = np.array([MAX_YAW_DEGREES, MAX_PITCH_DEGREES, MAX_ROLL_DEGREES], np.float32)
    centres = rng.uniform(-0.3, 0.3, 3)
    sizes = rng.uniform(0.6, 1.0, 3) * (1 - np.abs(centres))
    angles = [
        limit * (_drift(rng, num_frames, size) + centre)
        for limit, size, centre in zip(limits, sizes, centres, strict=True)
    ]
    return np.stack(angles, axis=1).astype(np.float32)


def _speech(rng: np.random.Generator, num_frames: int) -> Signal:
    """The jaw of someone who talks in phrases, some four syllables a second."""
    seconds = np.arange(num_frames) / FPS
    pace = rng.uniform(2.5, 4.0)
    phase = 2 * np.pi * pace * seconds + 1.5 * _drift(rng, num_frames, 1.0) + rng.uniform(0, 2 * np.pi)
    phrases = np.clip(3 * _drift(rng, num_frames, 1.0) + rng.uniform(-0.2, 0.8), 0, 1)
    return np.asarray(rng.uniform(0.12, 0.32) * phrases * (0.5 + 0.5 * np.sin(phase)), np.float32)


def _blinks(rng: np.random.Generator, num_frames: int) -> Signal:
    """Blinks of some 0.3 s, now and then closed for longer."""
    signal = np.zeros(num_frames, np.float32)
    frame = rng.uniform(0, 2.0) * FPS
    while frame < num_frames:
        length = FPS * (rng.uniform(0.28, 0.45) if rng.random() < 0.75 else rng.uniform(0.6, 1.2))
        signal = np.maximum(signal, np.minimum(1, 1.6 * _bump(num_frames, frame, length)))
        frame += length + rng.uniform(0.6, 2.8) * FPS
    return signal


def _draw_mixtures(
    rng: np.random.Generator, num_frames: int
) -> tuple[tuple[str | None, ...], dict[str, Signal], Signal]:
    """The mixture of each frame, what the mixtures do to each movement, and their share of each frame."""
    names: list[str | None] = [None] * num_frames
    driven = {name: np.zeros(num_frames, np.float32) for name in MOVEMENTS}
    share = np.zeros(num_frames, np.float32)
    total = round(MIXTURE_SHARE * num_frames)
    parts = max(1, round(total / MIXTURE_FRAMES))
    for part in range(parts):
        length = total * (part + 1) // parts - total * part // parts
        first, last = num_frames * part // parts, num_frames * (part + 1) // parts
        start = int(rng.integers(first, max(first, last - length) + 1))
        name = str(rng.choice(list(MIXTURES)))
        envelope = _window(num_frames, start, length)
        height = rng.uniform(0.75, 1.0)
        names[start : start + length] = [name] * length
        share = np.maximum(share, envelope)
        for movement, weight in MIXTURES[name].items():
            driven[movement] += height * weight * envelope
    return tuple(names), driven, share


def _window(num_frames: int, start: int, length: int) -> Signal:
    """1 within the frames from ``start`` on, with smooth edges inside them."""
    inside = np.minimum(np.arange(num_frames) - start + 1, start + length - np.arange(num_frames))
    edge = np.clip(inside / min(EDGE_FRAMES, max(1, length / 2)), 0, 1)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * edge), np.float32)


def _limit(moves: dict[str, Signal]) -> dict[str, Signal]:
    """Keep movements that work against each other from breaking the surface."""
    total = np.sum([moves[name] for name in _LIPS], axis=0)
    scale = np.minimum(1, MAX_MOUTH / np.maximum(total, 1e-6)).astype(np.float32)
    moves = {name: move * scale if name in _LIPS else move for name, move in moves.items()}
    for name in ("eyeWide", "eyeSquint"):
        moves[name] = moves[name] * (1 - moves["eyeBlink"])
    moves["eyeBlink"] = moves["eyeBlink"] * (1 - 0.35 * moves["cheekSquint"])
    return moves


def _weigh(rng: np.random.Generator, moves: dict[str, Signal], num_frames: int) -> dict[str, Signal]:
    """Movements as actions; left and right differ a little."""
    weights: dict[str, Signal] = {}
    for name, actions in MOVEMENTS.items():
        lean = _drift(rng, num_frames, 0.1) if len(actions) == 2 and name != "eyeBlink" else np.float32(0)
        for action, side in zip(actions, (1, -1), strict=False):
            weights[action] = moves[name] * (1 + side * lean)
    return weights


def _gaze(rng: np.random.Generator, num_frames: int) -> dict[str, Signal]:
    """Eyes that look about: a pair of actions for each direction."""
    aside, upward = _drift(rng, num_frames, 0.6), _drift(rng, num_frames, 0.35)
    amounts = {"Left": aside, "Right": -aside, "Up": upward, "Down": -upward}
    return {name: np.maximum(0, amount) for side, amount in amounts.items() for name in _GAZE[side]}
