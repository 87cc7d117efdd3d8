"""Files that are small, or look so, and would take all memory or time."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pyarrow.parquet as pq
import torch

from tcae.manifests.rows import Clip
from tcae.manifests.tables import read_table, table_of
from tcae.model.encoders.export import FACTS, WEIGHTS, read_export
from tcae.model.training import checkpoints
from tcae.pipeline import pictures
from tcae.pipeline.clips import open_clip
from tcae.pipeline.video import VideoConfig
from tests.clips import numbered, write_clip
from tests.hostile.mutations import fields_of
from tests.hostile.videos import clip_of

SIDE_PX = 16000
"""Of the large pictures; libav itself takes sides of up to some 16,300."""

HOURS = 10
FPS = 25


@dataclass(frozen=True, kw_only=True)
class Bomb:
    """A file and what must come of it."""

    name: str
    make: Callable[[Path], None]
    """Writes it into a folder."""
    read: Callable[[Path], object]
    """Reads it from there."""
    refusal: str
    """The class of the error; empty where it is only to end soon."""


def write_gif(folder: Path) -> None:
    """A whole picture of 16,000 x 16,000 in 40 bytes."""
    size = struct.pack("<HH", SIDE_PX, SIDE_PX)
    screen, image = size + b"\x80\0\0" + bytes(6), bytes(4) + size + b"\0"
    (folder / "clip").write_bytes(b"GIF89a" + screen + b"," + image + b"\2\2\x44\1\0;")


def write_h264(folder: Path) -> None:
    """A small clip whose header tells the truth of nothing: its pictures are 16,000 x 16,000."""
    options = {"profile": "baseline", "x264-params": "cabac=0:bframes=0:ref=1"}
    path = write_clip(folder / "clip.avi", 3, options=options)
    data = path.read_bytes()
    path.unlink()
    begin = data.index(b"\0\0\0\x01\x67") + 5
    end = data.index(b"\0\0\0\x01", begin)
    large = enlarged(data[begin:end])
    text = data.index(b"x264 - core")  # a comment of the encoder, which gives the room
    room = text + len(large) - (end - begin)
    (folder / "clip").write_bytes(data[:begin] + large + data[end:text] + data[room:])


def enlarged(parameters: bytes) -> bytes:
    """H.264's sequence parameter set of the baseline profile, with pictures of 1,000 x 1,000 macroblocks."""
    bits = "".join(f"{byte:08b}" for byte in parameters.replace(b"\0\0\3", b"\0\0"))
    place = 24  # behind profile, constraints and level
    place = _behind(bits, place, 2)  # the set's number, the frame numbers' length
    order = _value(bits, place)
    place = _behind(bits, place, 2 if order == 0 else 1)
    place = _behind(bits, place, 1) + 1  # reference frames, and whether gaps are allowed
    wide = f"{1000:019b}"  # exponential Golomb of 999
    changed = bits[:place] + wide + wide + bits[_behind(bits, place, 2) :]
    changed = changed.rstrip("0") + "0" * (-len(changed.rstrip("0")) % 8)
    plain = int(changed, 2).to_bytes(len(changed) // 8)
    return re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", plain)


def _behind(bits: str, place: int, num: int) -> int:
    """Where exponential Golomb numbers end."""
    for _ in range(num):
        place += 2 * (bits.index("1", place) - place) + 1
    return place


def _value(bits: str, place: int) -> int:
    zeros = bits.index("1", place) - place
    return int(bits[place + zeros : place + 2 * zeros + 1], 2) - 1


def png_of(width_px: int, height_px: int) -> bytes:
    """A small PNG whose header says another size, with its check sum."""
    data = pictures.encode(numbered(0), ".png")
    header = b"IHDR" + struct.pack(">II", width_px, height_px) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def write_png(folder: Path) -> None:
    """A picture of 16,000 x 16,000 in a folder of its own."""
    (folder / "images").mkdir()
    (folder / "images" / "1.png").write_bytes(png_of(SIDE_PX, SIDE_PX))


def write_long(folder: Path) -> None:
    """Ten hours of black: the packets of ten seconds, again and again."""
    black = np.zeros((48, 64, 3), np.uint8)
    write_clip(folder / "short.mp4", 10 * FPS, draw=lambda _: black, options={"g": "250", "bf": "0"})
    with av.open(folder / "short.mp4") as given, av.open(folder / "clip", "w", format="mp4") as output:
        source = given.streams.video[0]
        copy = output.add_stream_from_template(source)
        packets = [packet for packet in given.demux(source) if packet.size]
        tick = int(1 / (Fraction(FPS) * cast(Fraction, source.time_base)))
        for number in range(HOURS * 3600 * FPS):
            packet = packets[number % len(packets)]
            packet.stream, packet.pts, packet.dts = copy, number * tick, number * tick
            output.mux_one(packet)
    (folder / "short.mp4").unlink()


def write_index(folder: Path) -> None:
    """An mp4 file of two seconds that says it has 170 million frames of one byte."""
    data = bytearray(write_clip(folder / "plain.mp4", 50).read_bytes())
    for name, place, value in [
        ("stsz", 1, 1),
        ("stsz", 2, 170_000_000),
        ("stsc", 3, 170_000_000),
        ("stts", 2, 170_000_000),
    ]:
        field = [field for field in fields_of(bytes(data)) if field.name == name][place]
        data[field.start : field.start + 4] = struct.pack(">I", value)
    (folder / "clip").write_bytes(data)


def write_track(folder: Path, head: bytes, times: int) -> None:
    """A clip with a track file that is long, or slow to take apart."""
    write_clip(folder / "clip.mp4", 10)
    (folder / "clip.mp4").rename(folder / "clip")
    (folder / "track.txt").write_bytes(head * times + b"\nFRAME X Y W H\n0 1 1 1 1\n")


def write_rows(folder: Path) -> None:
    """A table that claims four billion rows."""
    sink = io.BytesIO()
    pq.write_table(table_of([], Clip).replace_schema_metadata({"tcae.schema": "1"}), sink)
    data = sink.getvalue()
    begin = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    footer = data[begin:-8]
    rows = footer.rindex(b"\x16\x00\x19")  # field 3 of FileMetaData, an i64 of 0, before the list of row groups
    footer = footer[: rows + 1] + b"\x80\xd0\xac\xf3\x1d" + footer[rows + 2 :]  # 4,000,000,000 as a zigzag varint
    (folder / "file").write_bytes(data[:begin] + footer + len(footer).to_bytes(4, "little") + b"PAR1")


def write_zip(folder: Path) -> None:
    """A checkpoint of 100 MB that is small because it is compressed, as torch's never are."""
    torch.save({"model": {"weight": torch.zeros(25_000_000)}}, folder / "large")
    with zipfile.ZipFile(folder / "large") as whole, zipfile.ZipFile(folder / "file", "w") as archive:
        for name in whole.namelist():
            archive.writestr(name, whole.read(name), zipfile.ZIP_DEFLATED, compresslevel=1)
    (folder / "large").unlink()


def write_nested(folder: Path) -> None:
    """An export whose facts are nested a million deep."""
    (folder / FACTS).write_bytes(b'{"format":' + b"[" * 1_000_000)
    (folder / WEIGHTS).write_bytes(b"")


def read_clip(folder: Path, *, reader: str = "pyav", limit_seconds: float = 20.0, **more: Any) -> int:
    """Every kept frame at 1 fps; how many."""
    path = "images" if (folder / "images").is_dir() else "clip"
    clip = clip_of(folder, path, **more)
    with open_clip(clip, VideoConfig(reader=reader, timeout_seconds=limit_seconds)) as opened:
        return sum(1 for _ in opened)


TRACK: dict[str, Any] = {"track_path": "track.txt", "track_unit": "fraction"}

BOMBS = [
    *(
        Bomb(
            name=f"16k {make.__name__[6:]}, {reader}",
            make=make,
            read=partial(read_clip, reader=reader),
            refusal="TooLargeError",
        )
        for make in (write_gif, write_h264)
        for reader in ("pyav", "ffmpeg")
    ),
    Bomb(name="16k picture", make=write_png, read=read_clip, refusal="TooLargeError"),
    Bomb(name="ten hours", make=write_long, read=partial(read_clip, limit_seconds=3.0), refusal="ClipTimeoutError"),
    Bomb(name="170 million frames", make=write_index, read=read_clip, refusal=""),
    Bomb(
        name="large track file",
        make=partial(write_track, head=b"x" * 1000 + b"\n", times=20_000),
        read=partial(read_clip, **TRACK),
        refusal="TrackFileError",
    ),
    Bomb(
        name="wide track file",
        make=partial(write_track, head=b"Offset x" + b" " * 3_000_000 + b"y", times=1),
        read=partial(read_clip, **TRACK),
        refusal="",
    ),
    Bomb(
        name="four billion rows",
        make=write_rows,
        read=lambda folder: read_table(folder / "file", Clip),
        refusal="ManifestError",
    ),
    Bomb(
        name="compressed checkpoint",
        make=write_zip,
        read=lambda folder: checkpoints.load(folder / "file"),
        refusal="CheckpointError",
    ),
    Bomb(name="nested facts", make=write_nested, read=read_export, refusal="CheckpointError"),
]
