import io

import av
import numpy as np
import pytest

from tcae.manifests.errors import ConfigError
from tcae.pipeline.encode import encode_mp4
from tcae.pipeline.synthetic.actions import AU_NAMES
from tcae.pipeline.synthetic.clips import DemoClip, DemoConfig, list_clips, render_clip
from tcae.pipeline.synthetic.labels import label_clips
from tcae.pipeline.synthetic.pack import HeadPack

SHORT = DemoConfig(identities=2, clips=3, seconds=0.24)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"identities": 0}, "identities is 0; it must be from 1 to 9999"),
        ({"clips": -1}, "clips is -1"),
        ({"seconds": 0.0}, r"seconds is 0\.0; it must be from 0\.04 \(one frame\)"),
        ({"seconds": float("nan")}, "seconds is nan"),
        ({"seed": 1000}, "seed is 1000; it must be from 0 to 999"),
    ],
)
def test_nonsense_is_refused(setting: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DemoConfig(**setting)  # type: ignore[arg-type]


def test_clips_are_listed_in_the_order_of_their_keys_and_files() -> None:
    clips = list_clips(SHORT)
    keys = [clip.key for clip in clips]
    assert keys == sorted(set(keys))
    assert [clip.file for clip in clips] == sorted(clip.file for clip in clips)
    assert [key.clip for key in keys] == [0, 1, 0, 0, 1, 0]


def test_a_clip_is_the_same_whenever_it_is_made(toy: HeadPack) -> None:
    clip = DemoClip(person=1, number=2, config=SHORT)
    first, again = (np.stack(list(render_clip(clip, toy))) for _ in range(2))
    assert np.array_equal(first, again)
    assert first.shape == (6, 224, 224, 3)


def test_clips_of_a_person_differ_and_people_differ(toy: HeadPack) -> None:
    frames = [next(iter(render_clip(clip, toy))).astype(int) for clip in list_clips(SHORT)]
    for index, frame in enumerate(frames):
        assert all(np.abs(frame - other).mean() > 3 for other in frames[:index])


def test_a_file_has_as_many_frames_as_its_clip_has_labels(toy: HeadPack) -> None:
    clip = list_clips(SHORT)[0]
    data = encode_mp4(render_clip(clip, toy), (224, 224), 25)
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        assert [stream.codec_context.name, stream.codec_context.pix_fmt, str(stream.average_rate)] == [
            "h264",
            "yuv420p",
            "25",
        ]
        assert len(container.streams) == 1
        times = [frame.time for frame in container.decode(stream)]
    rows = label_clips(SHORT, toy).to_pandas().groupby(["identity", "video", "clip"]).get_group(tuple(clip.key))
    np.testing.assert_allclose(np.array(times, float), rows.pts_seconds)


def test_encoding_twice_gives_the_same_bytes_and_keeps_the_picture() -> None:
    down, across = np.mgrid[0:64, 0:48]
    frames = [np.stack([4 * down, 5 * across, 0 * down + 10 * k], -1).astype(np.uint8) for k in range(5)]
    data = encode_mp4(frames, (48, 64), 25)
    assert data == encode_mp4(frames, (48, 64), 25)
    with av.open(io.BytesIO(data), "r") as container:
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert np.abs(np.stack(decoded).astype(int) - np.stack(frames)).mean() < 8


def test_labels_have_a_row_for_every_source_frame(toy: HeadPack) -> None:
    config = DemoConfig(identities=3, clips=2, seconds=8)
    table = label_clips(config, toy).to_pandas()
    assert len(table) == 3 * 2 * 200
    assert list(table.columns[:5]) == ["identity", "video", "clip", "source_frame", "pts_seconds"]
    assert [name for name in table.columns if name.startswith("AU")] == list(AU_NAMES)
    arkit = [name.removeprefix("arkit_") for name in table.columns if name.startswith("arkit_")]
    assert arkit == list(toy.action_names)
    weights = table.filter(regex="^(AU|arkit_)")
    assert weights.min().min() >= 0
    assert weights.max().max() <= 1
    assert table.mixture.notna().mean() == pytest.approx(0.25)
    assert not table.duplicated(["identity", "video", "clip", "source_frame"]).any()
    np.testing.assert_allclose(table.pts_seconds, table.source_frame / 25)
    assert table.yaw_degrees.abs().max() > 8
