"""Files that would take all memory or time are refused before they do."""

from pathlib import Path
from typing import Any

import pytest

from tcae.manifests import tables
from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.picture_headers import LARGEST_PX
from tcae.manifests.rows import Identity
from tcae.manifests.tables import read_table, table_of, write_table
from tcae.model.data.faces import FaceFileError, read_face
from tcae.pipeline.clips import open_clip
from tcae.pipeline.pictures import PictureError, TooLargeError, decode
from tcae.pipeline.video import READERS, VideoConfig, open_video
from tests.clips import write_clip
from tests.hostile.bombs import BOMBS, png_of
from tests.hostile.test_fuzz import fuzzed
from tests.hostile.verdicts import BROKEN
from tests.hostile.videos import clip_of


def test_every_bomb_is_refused_by_name_in_bounded_memory(tmp_path: Path) -> None:
    verdicts = {verdict.case: verdict for verdict in fuzzed("bombs", len(BOMBS), tmp_path / "verdicts.jsonl")}
    assert verdicts.keys() == {bomb.name for bomb in BOMBS}
    for bomb in BOMBS:
        verdict = verdicts[bomb.name]
        assert verdict.verdict not in BROKEN, verdict
        assert verdict.why.startswith(f"{bomb.refusal}: ") or not bomb.refusal, verdict


@pytest.mark.parametrize("reader", READERS)
def test_the_limit_is_a_number_of_pixels(reader: str, tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", 3)
    with open_video(path, VideoConfig(reader=reader, max_pixels=96 * 64)) as opened:
        assert len(list(opened)) == 1
    too_large = pytest.raises(TooLargeError, match=r"clip.mp4 has 96x64 pixels; 6,143 are the most")
    with too_large, open_video(path, VideoConfig(reader=reader, max_pixels=96 * 64 - 1)):
        pass


def test_a_limit_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"max_pixels must be from 1 to 1073741824, not 0"):
        VideoConfig(max_pixels=0)


def test_8k_is_within_the_limit() -> None:
    assert 2 * 7680 * 4320 <= LARGEST_PX < 16000 * 16000


def test_a_large_picture_among_others_is_counted_and_passed_over(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for number, side in enumerate([64, 20000, 64]):
        data = png_of(side, side) if side > 64 else png_of(96, 64)
        (tmp_path / "images" / f"{number}.png").write_bytes(data)
    with open_clip(clip_of(tmp_path, "images"), VideoConfig()) as opened:
        assert [row.frame for row, _ in opened] == [0, 2]
        assert opened.num_decode_errors == 1


@pytest.mark.parametrize("size", [(1 << 20, 1), (3 << 20, 8)])
def test_a_side_that_opencv_refuses_is_no_traceback(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match=r"a\.png is not a picture that OpenCV can decode"):
        decode(png_of(*size), "a.png")


def test_a_table_that_claims_too_much_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: dict[str, Any] = dict.fromkeys(("num_videos", "num_tracks", "num_single_tracks", "num_faces"), 1)
    rows = [Identity(identity=f"id{n}", split=None, official_split=None, **counts) for n in range(11)]
    write_table(table_of(rows, Identity), tmp_path / "a.parquet")
    monkeypatch.setattr(tables, "MOST_ROWS", 10)
    with pytest.raises(ManifestError, match=r"a\.parquet claims 11 rows of [\d,]+ bytes; 10 rows and .* are the most"):
        read_table(tmp_path / "a.parquet", Identity)


def test_a_large_face_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "face.png").write_bytes(png_of(16000, 16000))
    with pytest.raises(FaceFileError, match=r"face\.png has 16000x16000 pixels; 67,108,864 are the most"):
        read_face(tmp_path / "face.png", 64)
