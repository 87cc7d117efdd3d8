"""A random person: the shape of the head, and the colours of skin, lips, brows, eyes and hair."""

from dataclasses import dataclass

import numpy as np

from tcae.pipeline.synthetic.pack import PARTS, Floats, HeadPack

LOCAL_SPREAD = 0.27
"""Standard deviation of a local change; 1 is the extreme that the model's authors drew."""

QUIET_FOLDERS = ("eyes", "ears", "eyebrows", "mouth")
"""Local changes that are drawn at half the spread: lids part from eyes at their extremes, and brows or a mouth that
differ much at rest look like an action."""

RIM_HALF_WIDTH_MM = 12.0
"""The middle of the lips, on the reference head."""

LIP_OVERLAP_MM = 0.4
"""How far closed lips press into one another."""

SKIN_TONES = (
    (244, 208, 184),
    (234, 192, 162),
    (218, 172, 138),
    (190, 140, 104),
    (146, 100, 72),
    (102, 68, 50),
    (78, 51, 40),
)
"""From light to dark, sRGB; tones between two are mixed."""

HAIR_COLOURS = ((28, 24, 22), (52, 36, 26), (92, 62, 38), (152, 112, 66), (120, 60, 34), (140, 138, 136))
IRIS_COLOURS = ((78, 50, 30), (60, 38, 24), (96, 116, 130), (92, 108, 72), (120, 86, 46))


@dataclass(frozen=True, kw_only=True, eq=False)
class Person:
    """What stays the same in every clip of an identity."""

    shape: Floats
    """(n, 3): the neutral head in mm."""
    skin: Floats
    """(3,) sRGB in 0-1, as all colours here."""
    lips: Floats
    iris: Floats
    hair: Floats
    brow_height: float
    """Millimetres from the eye's centre up to the brow."""
    brow_thickness: float
    """Millimetres."""
    brow_arch: float
    """Millimetres that its middle lies above its ends."""
    brow_strength: float
    """0-1."""
    hairline: float
    """Millimetres by which the hair starts behind the drawn hairline."""
    hair_volume: float
    """Millimetres that the hair stands off."""
    stubble: float
    """0-1."""
    freckles: float
    """0-1."""
    texture_seed: int
    """Of the patterns in skin and hair."""


def draw_person(rng: np.random.Generator, pack: HeadPack) -> Person:
    """Draw an identity; the same generator state and pack give the same person."""
    man = rng.random()
    age = rng.uniform(0, 0.9) ** 1.3
    macro = _macro_weights(rng, pack.macro_names, man, age)
    tone = rng.uniform(0, len(SKIN_TONES) - 1)
    skin = _mix(SKIN_TONES, tone) * rng.uniform((0.97, 0.96, 0.94), (1.03, 1.02, 1.03))
    lips = skin * (0.86, 0.60, 0.60) + np.array((0.06, 0.0, 0.01)) * rng.random()
    if man < 0.45 and rng.random() < 0.5:
        lips = 0.5 * lips + 0.5 * np.array((rng.uniform(0.5, 0.72), 0.16, rng.uniform(0.18, 0.3)))
    dark = tone > 3.2
    hair = np.array(HAIR_COLOURS[int(rng.integers(2 if dark else 5)) if age < 0.65 else 5]) / 255
    return Person(
        shape=_shape(rng, pack, macro),
        skin=_colour(skin),
        lips=_colour(lips),
        iris=_colour(np.array(IRIS_COLOURS[int(rng.integers(2 if dark else 5))]) / 255),
        hair=_colour(hair * rng.uniform(0.85, 1.1)),
        brow_height=float(rng.uniform(16.5, 20)),
        brow_thickness=float(rng.uniform(3.0, 4.2) + 1.6 * man),
        brow_arch=float(rng.uniform(1.0, 4.0)),
        brow_strength=float(rng.uniform(0.7, 0.95)),
        hairline=float(rng.uniform(-3, 6) + (12 * rng.random() if man > 0.6 else 0)),
        hair_volume=float(rng.uniform(2, 7) if man > 0.5 else rng.uniform(6, 12)),
        stubble=float(rng.choice([0, 0, 0.25, 0.5, 0.75]) if man > 0.55 else 0),
        freckles=float(rng.random() if tone < 2 and rng.random() < 0.4 else 0),
        texture_seed=int(rng.integers(2**31)),
    )


def _colour(values: object) -> Floats:
    return np.clip(np.asarray(values, np.float32), 0.02, 0.98)


def _mix(colours: tuple[tuple[int, int, int], ...], place: float) -> Floats:
    table = np.array(colours, np.float32) / 255
    return np.stack([np.interp(place, np.arange(len(table)), table[:, channel]) for channel in range(3)]).astype(
        np.float32
    )


def _ramp(place: float, *names: str) -> dict[str, float]:
    """Linear weights of equally spaced anchors at ``place`` in 0-1."""
    return {name: max(0.0, 1 - abs(place * (len(names) - 1) - index)) for index, name in enumerate(names)}


def _macro_weights(rng: np.random.Generator, names: tuple[str, ...], man: float, age: float) -> Floats:
    """(len(names),): products of the weights of the parts of each name."""
    origin = rng.dirichlet((0.6, 0.6, 0.6))
    weight = dict(zip(("african", "asian", "caucasian"), origin, strict=True))
    weight |= _ramp(man, "female", "male") | _ramp(age, "young", "old")
    weight |= _ramp(rng.uniform(0.1, 0.9), "minmuscle", "averagemuscle", "maxmuscle")
    weight |= _ramp(rng.uniform(0.1, 0.9), "minweight", "averageweight", "maxweight")
    products = [np.prod([weight.get(part, 1.0) for part in name.split("-")]) for name in names]
    return np.array(products, np.float32)


def _shape(rng: np.random.Generator, pack: HeadPack, macro: Floats) -> Floats:
    shape = pack.vertices + np.einsum("s,snc->nc", macro, pack.macros)
    spreads = [LOCAL_SPREAD * (0.5 if name.split("/")[0] in QUIET_FOLDERS else 1.0) for name in pack.local_names]
    for index, amount in enumerate(np.clip(rng.normal(0, 1, len(spreads)), -2, 2) * spreads):
        move = pack.locals_up if amount > 0 else pack.locals_down
        shape = shape + np.float32(abs(amount)) * move[index]
    shape = close_lips(np.asarray(shape, np.float32), pack)
    head = pack.turn > 0.99
    return np.asarray(shape - (shape[head].mean(0) - pack.reference[head].mean(0)), np.float32)


def close_lips(shape: Floats, pack: HeadPack) -> Floats:
    """(n, 3): the neutral head with its lips together; shape changes leave them up to some millimetres apart."""
    if "mouthClose" not in pack.action_names:
        return shape
    closing = pack.actions[pack.action("mouthClose")]
    inside, outside = (set(pack.corner_vertex[pack.corner_part == part]) for part in (PARTS.index("cavity"), 0))
    rim = np.array(sorted(inside & outside), int)
    rim = rim[np.abs(pack.reference[rim, 0]) < RIM_HALF_WIDTH_MM]
    if not len(rim):
        return shape
    lower = closing[rim, 1] > np.median(closing[rim, 1])

    def gap(points: Floats) -> float:
        return float(points[rim[~lower], 1].mean() - points[rim[lower], 1].mean())

    amount = (gap(shape) + LIP_OVERLAP_MM) / -gap(closing)
    return np.asarray(shape + np.float32(np.clip(amount, 0, 0.5)) * closing, np.float32)
