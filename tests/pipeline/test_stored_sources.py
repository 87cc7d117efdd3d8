"""A source tree in an object store gives the clips, frames and refusals of the same tree on a disk."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tcae.manifests.errors import ConfigError
from tcae.manifests.rows import Clip
from tcae.manifests.stores import StorePath
from tcae.pipeline import pictures
from tcae.pipeline.clips import open_clip
from tcae.pipeline.forecast import forecast
from tcae.pipeline.pictures import PictureError
from tcae.pipeline.sources import Listing, SourceConfig, inputs_of, list_clips
from tcae.pipeline.stages.extract import ExtractConfig
from tcae.pipeline.trees.trackfiles import TrackFileError
from tcae.pipeline.trees.walk import UnreadableError
from tcae.pipeline.video import VideoConfig
from tests.clips import numbered, write_clip
from tests.source_builders import grow, track_rows, track_text
from tests.store_builders import memory, objects, put

TRACK = track_text(track_rows(25, 50, "0.5 \t0.25 \t0.25 \t0.5 ")).encode()
NAMES = b"VoxCeleb1 ID\tVGGFace1 ID\tGender\nid10001\tAnna\tf\n"


@pytest.fixture
def bucket() -> Iterator[StorePath]:
    with memory() as store:
        yield store


def listing(root: Path | StorePath, layout: str = "auto", tracks: str = "auto") -> Listing:
    return list_clips(SourceConfig(sources=(root,), layout=layout, tracks=tracks))


def plain(clips: list[Clip]) -> list[Clip]:
    """Clips without what a copy changes."""
    return [replace(clip, source="", modified_ns=0) for clip in clips]


def grow_all(root: Path, *files: str) -> Path:
    for name in files:
        data = TRACK if name.endswith(".txt") else NAMES if name.endswith(".csv") else b"x" * (len(name) % 7)
        grow(root, name, data=data)
    return root


@pytest.mark.parametrize(
    ("layout", "files"),
    [
        ("auto", ["dev/mp4/id00012/v/00001.mp4", "dev/mp4/id00012/v/00010.MP4", "test/mp4/id00017/v/1.mp4"]),
        ("auto", ["id10001/v/00001.mp4", "id10270/v/00001.mp4", "txt/id10001/v/00001.txt"]),
        ("auto", ["id00012/v.mp4", "txt/id00012/v/00001.txt", "txt/id00012/v/00002.txt", "txt/id00012/w/1.txt"]),
        ("auto", ["v.mp4", "txt/id00012/v/00001.txt"]),
        ("auto", ["unzippedIntervalFaces/data/Anna/1.6/v/1/0000125.jpg", "vox1_meta.csv"]),
        ("auto", ["anna/v/1/1.jpg", "anna/v/1/2.png", "anna/v/2/1.jpg", "anna/v/empty/notes.txt"]),
        ("auto", ["a.mp4", "b.mkv", ".hidden.mp4", "c.txt"]),
        ("auto", ["anna/v/.x.mp4", "anna/v/1.mp4", "anna/a\nb/1.mp4", "stray.mp4", "anna/v/folder.mp4/x.mp4"]),
        ("bp4d", ["F001/T1.mp4", "F001/T2/1.jpg", "M002/T1/0001.jpg"]),
        ("pictures", ["a.jpg", "b/c.png"]),
        ("rafdb", ["Image/aligned/train_00001_aligned.jpg"]),
    ],
)
def test_a_stored_tree_is_listed_like_a_folder(
    layout: str, files: list[str], bucket: StorePath, tmp_path: Path
) -> None:
    grow_all(tmp_path, *files)
    here, there = listing(tmp_path, layout), listing(put(tmp_path, bucket / "tree"), layout)
    assert plain(there.clips) == plain(here.clips)
    assert [note.replace(str(bucket / "tree"), str(tmp_path)) for note in there.notes] == here.notes
    assert {clip.source for clip in there.clips} == {"memory://bucket/tree"}
    assert all(clip.modified_ns > 0 for clip in there.clips if clip.reason is None)


def test_tracks_beside_a_stored_mp4_folder_are_found(bucket: StorePath, tmp_path: Path) -> None:
    put(grow_all(tmp_path, "mp4/id00012/v/1.mp4", "txt/id00012/v/1.txt"), bucket)
    (clip,) = listing(bucket / "mp4", tracks="use").clips
    assert clip.track_path == "../txt/id00012/v/1.txt"
    before = inputs_of(clip)
    assert before.count(" ") == 5
    put(grow(tmp_path / "new", "id00012/v/1.txt", data=TRACK + b"000099 \t1 \t1 \t1 \t1\n"), bucket / "txt")
    assert inputs_of(clip) != before
    assert inputs_of(replace(clip, track_path="gone.txt")).endswith("fraction FileNotFoundError")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("gone", r"there is no source tree at memory://bucket/gone \(.*\); name the folder of your videos"),
        ("a.mp4", r"the source memory://bucket/a\.mp4 is a file; --source takes the folder that holds the clips"),
        ("texts", r"no clip was found in memory://bucket/texts; looked for"),
    ],
)
def test_a_stored_source_that_is_none_is_refused(where: str, message: str, bucket: StorePath, tmp_path: Path) -> None:
    put(grow(tmp_path, "a.mp4", "texts/a.txt"), bucket)
    with pytest.raises(ConfigError, match=message):
        listing(bucket / where)


def test_one_stored_source_given_twice_is_refused(bucket: StorePath, tmp_path: Path) -> None:
    put(grow(tmp_path, "tree/a.mp4"), bucket)
    with pytest.raises(ConfigError, match="are the same folder; name it once"):
        list_clips(SourceConfig(sources=(bucket / "tree", StorePath("memory://bucket/tree/"))))


def clip_at(source: Path | StorePath, path: str, **given: object) -> Clip:
    values = {"identity": "id1", "video": "v1", "clip": 0, "name": path, "layout": "clips", "media": "video"} | given
    return Clip(source=str(source), path=path, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("media", ["video", "images"])
def test_a_stored_clip_gives_the_frames_of_a_file(media: str, bucket: StorePath, tmp_path: Path) -> None:
    if media == "video":
        write_clip(grow(tmp_path, "a/") / "a" / "x.mp4", 60)
        grow(tmp_path, "a/x.txt", data=TRACK)
        given = {"track_path": "a/x.txt", "track_unit": "fraction", "start_seconds": 0.5, "end_seconds": 2.0}
        path = "a/x.mp4"
    else:
        grow(tmp_path, "a/3.jpg", "a/notes.txt", data=b"no picture")
        for number in (9, 10):
            (tmp_path / f"a/{number}.png").write_bytes(pictures.encode(numbered(number), ".png"))
        given, path = {"media": "images"}, "a"
    put(tmp_path, bucket)
    found = []
    for source in (tmp_path, bucket):
        with open_clip(clip_at(source, path, **given), VideoConfig()) as opened:
            found.append([(row, image.tobytes()) for row, image in opened] + [opened.num_decode_errors])
    assert found[0] == found[1]
    assert len(found[0]) == 3
    config = ExtractConfig()
    assert forecast([clip_at(tmp_path, path, **given)], config) == forecast([clip_at(bucket, path, **given)], config)


def test_what_went_from_the_store_after_the_listing_rejects_its_clip(bucket: StorePath, tmp_path: Path) -> None:
    put(grow(tmp_path, "a.mp4"), bucket)
    with (
        pytest.raises(UnreadableError, match=r"b\.mp4 cannot be opened: No such file"),
        open_clip(clip_at(bucket, "b.mp4"), VideoConfig()),
    ):
        pass
    with (
        pytest.raises(TrackFileError, match=r"b\.txt cannot be read: No such file"),
        open_clip(clip_at(bucket, "a.mp4", track_path="b.txt"), VideoConfig()),
    ):
        pass
    with (
        pytest.raises(UnreadableError, match=r"cannot be listed: No such file"),
        open_clip(clip_at(bucket, "pictures", media="images"), VideoConfig()) as opened,
    ):
        list(opened)


def test_fetched_files_are_removed(bucket: StorePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(grow(tmp_path, "temporary/") / "temporary"))
    put(grow(tmp_path / "tree", "a.mp4", "b/1.jpg", data=b"nothing"), bucket)
    assert objects(bucket)
    with open_clip(clip_at(bucket, "b", media="images"), VideoConfig()) as opened:
        assert list((tmp_path / "temporary").iterdir())
        with pytest.raises(PictureError):
            list(opened)
    assert list((tmp_path / "temporary").iterdir()) == []
