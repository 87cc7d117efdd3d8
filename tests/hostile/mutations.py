"""Ways to damage a file's bytes: cut, flipped, wiped, spliced, or a header that lies."""

import struct
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

Random: TypeAlias = np.random.Generator

BOXES = frozenset((b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"mvex", b"udta"))
"""Atoms of an mp4 file that hold atoms."""

MASTERS = frozenset((0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675, 0x1C53BB6B, 0xBB, 0xB7, 0x114D9B74))
"""Elements of a Matroska file that hold elements: the segment, its tracks, clusters, cues and their like."""

HEAD_BYTES = 512
"""Of a file that is none of those below, what counts as its header."""

NASTY = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


class Field(NamedTuple):
    """A place in a header."""

    name: str
    """The atom or element that it lies in, e.g. ``stts`` or ``size of moov``."""
    start: int
    size: int
    """In bytes."""


def truncate(data: bytes, random: Random) -> tuple[str, bytes]:
    """Only the beginning is left."""
    return "truncate", data[: int(len(data) * random.uniform(0.02, 0.99))]


def flip(data: bytes, random: Random) -> tuple[str, bytes]:
    """One bit is changed in each of 1 to 1,000 bytes, anywhere."""
    changed = np.frombuffer(data, np.uint8).copy()
    places = random.integers(0, len(data), int(10 ** random.uniform(0, 3)))
    changed[places] ^= np.uint8(1) << random.integers(0, 8, len(places)).astype(np.uint8)
    return "flip", changed.tobytes()


def wipe(data: bytes, random: Random) -> tuple[str, bytes]:
    """A run of 16 to 65,536 bytes is lost: zeros or noise stand there."""
    size = min(len(data) // 2, int(2 ** random.uniform(4, 16)))
    start = int(random.integers(0, len(data) - size))
    fill = bytes(size) if random.random() < 0.5 else random.bytes(size)
    return "wipe", data[:start] + fill + data[start + size :]


def splice(data: bytes, random: Random, other: bytes) -> tuple[str, bytes]:
    """A run is left out, doubled, moved, or taken from another file."""
    size = min(len(data), len(other)) * int(random.integers(1, 30)) // 100
    start, place = (int(at) for at in random.integers(0, len(data) - size, 2))
    run, kind = data[start : start + size], int(random.integers(4))
    if kind == 0:
        return "splice: left out", data[:start] + data[start + size :]
    if kind == 1:
        return "splice: doubled", data[: start + size] + run + data[start + size :]
    if kind == 2:
        return "splice: moved", data[:place] + run + data[place + size :]
    begin = int(random.integers(0, len(other) - size + 1))
    return "splice: another file", data[:start] + other[begin : begin + size] + data[start + size :]


def damage(data: bytes, random: Random, other: bytes) -> tuple[str, bytes]:
    """Any of the ways: lies and splices more often than the others, of which flips come twice as often."""
    kind = float(random.random())
    if kind < 0.3:
        return lie(data, random)
    if kind < 0.5:
        return splice(data, random, other)
    simple = (truncate, flip, flip, wipe)
    return simple[int(random.integers(len(simple)))](data, random)


def lie(data: bytes, random: Random) -> tuple[str, bytes]:
    """One number of a header says something else."""
    fields = list(fields_of(data))
    names = sorted({field.name for field in fields})
    name = names[int(random.integers(len(names)))]  # the name first, or the long tables would be all that is met
    chosen = [field for field in fields if field.name == name]
    field = chosen[int(random.integers(len(chosen)))]
    old = int.from_bytes(data[field.start : field.start + field.size])
    lies = (*NASTY, old + 1, old - 1, old * 2, old // 2, int(random.integers(1 << 32)))
    new = (lies[int(random.integers(len(lies)))] % (1 << 8 * field.size)).to_bytes(field.size)
    return f"lie: {name}", data[: field.start] + new + data[field.start + field.size :]


def fields_of(data: bytes) -> Iterator[Field]:
    """The numbers in a file's headers."""
    if data[4:8] == b"ftyp":
        yield from _atoms(data, 0, len(data))
    elif data[:4] == b"\x1a\x45\xdf\xa3":
        yield from _elements(data, 0, len(data))
    elif data[:4] == b"PAR1":
        footer = int.from_bytes(data[-8:-4], "little") + 8
        yield Field("length of the footer", len(data) - 8, 4)
        yield from (Field("footer", at, 1) for at in range(len(data) - footer, len(data) - 8))
    else:
        size = min(HEAD_BYTES, len(data)) // 4
        yield from (Field("head", 4 * number, 4) for number in range(size))


def _atoms(data: bytes, start: int, end: int) -> Iterator[Field]:
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        if size < 8:
            return
        name = kind.decode("latin-1")
        yield Field(f"size of {name}", start, 4)
        if kind in BOXES:
            yield from _atoms(data, start + 8, min(end, start + size))
        elif kind not in (b"mdat", b"free", b"skip"):
            yield from (Field(name, at, 4) for at in range(start + 8, min(end, start + size) - 3, 4))
        start += size


def _elements(data: bytes, start: int, end: int) -> Iterator[Field]:
    while start < end:
        name, at = _number(data, start, keeps_mark=True)
        size, body = _number(data, at, keeps_mark=False)
        if body > end:
            return
        yield Field(f"size of {name:X}", at, body - at)
        if name in MASTERS:
            yield from _elements(data, body, min(end, body + size))
        elif size <= 8:
            yield Field(f"{name:X}", body, size)
        start = body + size


def _number(data: bytes, start: int, *, keeps_mark: bool) -> tuple[int, int]:
    """An EBML number and where it ends; a byte of 0 starts none, and is passed over."""
    if start >= len(data) or not data[start]:
        return 0, start + 1
    size = 9 - data[start].bit_length()
    value = int.from_bytes(data[start : start + size])
    return value if keeps_mark else value & ((1 << 7 * size) - 1), start + size
