import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcae.pipeline.synthetic.actions import AU_NAMES, MIXTURES, MOVEMENTS, PRESENT_ABOVE, intensities
from tcae.pipeline.synthetic.motion import (
    FPS,
    MAX_PITCH_DEGREES,
    MAX_ROLL_DEGREES,
    MAX_YAW_DEGREES,
    Motion,
    draw_motion,
)
from tests.pipeline.synthetic.builders import NAMES


def motion(seed: int, num_frames: int = 8 * FPS) -> Motion:
    return draw_motion(np.random.default_rng(seed), num_frames, NAMES)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), num_frames=st.integers(1, 300))
def test_every_frame_has_weights_in_0_to_1_and_a_pose_within_its_limits(seed: int, num_frames: int) -> None:
    drawn = motion(seed, num_frames)
    assert drawn.weights.shape == (num_frames, len(NAMES))
    assert len(drawn.mixtures) == num_frames
    assert drawn.weights.min() >= 0
    assert drawn.weights.max() <= 1
    assert np.all(np.abs(drawn.angles) <= (MAX_YAW_DEGREES, MAX_PITCH_DEGREES, MAX_ROLL_DEGREES))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), num_frames=st.integers(1, 300))
def test_mixtures_drive_a_quarter_of_the_frames(seed: int, num_frames: int) -> None:
    drawn = motion(seed, num_frames)
    assert sum(name is not None for name in drawn.mixtures) == round(num_frames / 4)
    assert {name for name in drawn.mixtures if name} <= set(MIXTURES)


def test_movement_is_smooth() -> None:
    blinking = [name.startswith("eyeBlink") for name in NAMES]
    for seed in range(20):
        drawn = motion(seed)
        change = np.abs(np.diff(drawn.weights, axis=0)).max(0)
        assert change[blinking].max() < 0.8
        assert change[~np.array(blinking)].max() < 0.75
        assert np.abs(np.diff(drawn.angles, axis=0)).max() < 5
        assert np.abs(np.diff(drawn.shift[:, :2], axis=0)).max() < 2


def test_a_mixture_reaches_its_height_in_its_frames() -> None:
    reached = dict.fromkeys(MIXTURES, 0)
    for seed in range(40):
        drawn = motion(seed)
        for name, weights in MIXTURES.items():
            frames = [frame for frame, mixture in enumerate(drawn.mixtures) if mixture == name]
            strongest = max(weights, key=lambda movement: weights[movement])
            columns = [NAMES.index(action) for action in MOVEMENTS[strongest]]
            reached[name] += bool(frames) and drawn.weights[np.ix_(frames, columns)].max() > 0.5
    assert all(reached.values())


def test_every_au_comes_and_goes_and_none_follows_another() -> None:
    rows = np.concatenate([intensities(motion(seed).weights, NAMES) for seed in range(48)])
    present = (rows > PRESENT_ABOVE).mean(0)
    assert dict(zip(AU_NAMES, present, strict=True)) == pytest.approx(dict.fromkeys(AU_NAMES, 0.25), abs=0.17)
    likeness = np.abs(np.corrcoef(rows.T) - np.eye(len(AU_NAMES)))
    jaw = [AU_NAMES.index("AU25"), AU_NAMES.index("AU26")]
    likeness[np.ix_(jaw, jaw)] = 0  # an open jaw parts the lips
    assert likeness.max() < 0.45


def test_a_seed_gives_the_same_motion_and_another_seed_another() -> None:
    assert np.array_equal(motion(3).weights, motion(3).weights)
    assert not np.array_equal(motion(3).weights, motion(4).weights)
