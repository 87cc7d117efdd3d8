import pytest

from tcae.manifests.errors import ConfigError
from tcae.pipeline.datasets.reading import LabelOptions


def test_frames_count_from_0_or_1() -> None:
    assert [LabelOptions(frame_base=base).frame_base for base in (None, 0, 1)] == [None, 0, 1]
    with pytest.raises(ConfigError, match="frame_base is 2; frames count from 0 or from 1"):
        LabelOptions(frame_base=2)


def test_there_are_two_cameras() -> None:
    with pytest.raises(ConfigError, match="camera is 'both'; it must be left or right"):
        LabelOptions(camera="both")  # type: ignore[arg-type]
