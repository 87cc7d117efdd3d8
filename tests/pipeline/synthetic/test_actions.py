import numpy as np
import pytest

from tcae.pipeline.synthetic.actions import ACTIONS_OF_AU, AU_NAMES, LIPS_PART, MIXTURES, MOVEMENTS, intensities
from tests.pipeline.synthetic.builders import NAMES


def weights_of(**weights: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    row = np.zeros((1, len(NAMES)), np.float32)
    for name, weight in weights.items():
        row[0, NAMES.index(name)] = weight
    return row


def test_there_are_fourteen_aus_and_they_sort() -> None:
    assert len(AU_NAMES) == 14
    assert list(AU_NAMES) == sorted(AU_NAMES)
    assert all(len(name) == 4 for name in AU_NAMES)


@pytest.mark.parametrize("au", sorted(ACTIONS_OF_AU))
def test_an_au_is_the_mean_of_its_actions_and_of_no_other(au: str) -> None:
    names = ACTIONS_OF_AU[au]
    found = intensities(weights_of(**dict.fromkeys(names, 0.8)), NAMES)[0]
    assert found[AU_NAMES.index(au)] == pytest.approx(0.8)
    others = [found[index] for index, name in enumerate(AU_NAMES) if name not in (au, "AU25")]
    assert max(others) == 0


def test_one_side_of_an_action_counts_half() -> None:
    found = intensities(weights_of(mouthSmileLeft=1.0), NAMES)[0]
    assert found[AU_NAMES.index("AU12")] == pytest.approx(0.5)


def test_lips_part_with_the_jaw_and_close_with_mouth_close() -> None:
    at = AU_NAMES.index("AU25")
    assert intensities(weights_of(jawOpen=0.3), NAMES)[0, at] == pytest.approx(0.6)
    assert intensities(weights_of(jawOpen=0.3, mouthClose=0.3), NAMES)[0, at] == 0
    assert intensities(weights_of(jawOpen=1.0), NAMES)[0, at] == 1


def test_mixtures_are_made_of_movements() -> None:
    assert len(MIXTURES) == 6
    assert {name for mixture in MIXTURES.values() for name in mixture} <= set(MOVEMENTS)
    assert all(0 < weight <= 1 for mixture in MIXTURES.values() for weight in mixture.values())


def test_every_labelled_action_can_move() -> None:
    moving = {name for names in MOVEMENTS.values() for name in names}
    assert {name for names in ACTIONS_OF_AU.values() for name in names} <= moving
    assert set(LIPS_PART) - moving == {"mouthClose"}
