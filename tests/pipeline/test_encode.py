"""What is written is read again, and every time the same."""

import io

import av
import numpy as np

from tcae.pipeline.encode import encode_mp4
from tcae.pipeline.pictures import Image


def clip(num_frames: int) -> list[Image]:
    """Grey pictures that grow lighter."""
    return [np.full((32, 48, 3), 40 * number, np.uint8) for number in range(num_frames)]


def test_the_file_holds_every_frame_at_its_time() -> None:
    with av.open(io.BytesIO(encode_mp4(clip(5), (48, 32), 25)), "r", format="mp4") as container:
        frames = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    assert [time for time, _ in frames] == [number / 25 for number in range(5)]
    for number, (_, picture) in enumerate(frames):
        assert picture.shape == (32, 48, 3)
        assert abs(float(picture.mean()) - 40 * number) < 4


def test_the_same_frames_give_the_same_bytes() -> None:
    assert encode_mp4(clip(4), (48, 32), 25) == encode_mp4(iter(clip(4)), (48, 32), 25)
