"""VoxCeleb's ``txt`` track files: who is where in a video, at 25 fps.

One file per utterance, ``txt/<identity>/<video>/<NNNNN>.txt``::

    Identity  : 	id10001
    Reference : 	1zcIwhmdeo4
    Offset    : 	1
    FV Conf   : 	22.8380	(1)
    ASD Conf  : 	3.7210

    FRAME 	X 	Y 	W 	H
    000325 	92 	69 	130 	130

Names and columns carry trailing spaces, tabs separate.

Convention:
    - FRAME counts from 0 at 25 frames per second of the original video, whatever that video's own rate is.
    - X Y is the upper left corner, W H the size of the box.
    - ``px360`` (VoxCeleb1): pixels of the original video scaled to a height of 360, in x and in y alike.
    - ``fraction`` (VoxCeleb2): of the original video's width (X, W) and height (Y, H).
    - A time of the clip is counted from the track's first FRAME, also where the clip is an utterance's own file.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tcae.manifests.errors import ItemError

MOST_BYTES = 4 << 20
"""Of a track file: an hour and a half. VoxCeleb's longest has less than a hundredth of it."""

TRACK_FPS = 25
"""The rate of FRAME, fixed by the data set."""

UNITS = ("px360", "fraction")
"""What X Y W H may be measured in; ``rows.Clip.track_unit``."""

MAX_GAP_SECONDS = 0.2
"""A box is taken for a time at most this far from the next row; beyond it the track has none."""

_LARGEST_FRACTION = 2.0
"""Fractions may leave the frame by a little; a box of VoxCeleb1 is at least tens of pixels wide."""

_COLUMNS = ["FRAME", "X", "Y", "W", "H"]
_HEADERS = ("Identity", "Reference", "Offset", "FV Conf", "ASD Conf")


class TrackFileError(ItemError):
    """A track file cannot be read or does not make sense."""

    reason = "track_file"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackFile:
    """One track file, as it stands; the module says what its numbers mean."""

    identity: str
    """The person, e.g. ``id10001``; empty where the header does not say."""
    reference: str
    """The original video; empty where the header does not say."""
    offset: float | None
    """Audio against video, in frames, as the data set's authors measured it."""
    face_confidence: float | None
    """``FV Conf``: of face verification."""
    speaker_confidence: float | None
    """``ASD Conf``: of active speaker detection."""
    frames: NDArray[np.int64]
    """(n,) FRAME, rising, n >= 1."""
    boxes: NDArray[np.float64]
    """(n, 4) X Y W H in the file's own unit."""

    @property
    def start_seconds(self) -> float:
        """Where the track starts, in the original video's time."""
        return float(self.frames[0]) / TRACK_FPS

    @property
    def end_seconds(self) -> float:
        """Where it ends, half open: its last FRAME lies inside."""
        return float(self.frames[-1] + 1) / TRACK_FPS

    @property
    def unit(self) -> str:
        """The unit that the numbers must be in: boxes wider or taller than 2 are pixels."""
        return "px360" if self.boxes[:, 2:].max() > _LARGEST_FRACTION else "fraction"


def read_track_file(path: Path) -> TrackFile:
    """Read one track file.

    Raises:
        TrackFileError: it cannot be opened, has no table, or a line of it is nonsense; names the file and the line.
    """
    try:
        lines = _text(path).splitlines()
    except OSError as error:
        raise TrackFileError(f"track file {path.name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TrackFileError(f"track file {path.name} is not UTF-8 text: {error.reason}") from error
    start = next((number for number, line in enumerate(lines) if line.split() == _COLUMNS), None)
    if start is None:
        raise TrackFileError(f"track file {path.name} has no line FRAME X Y W H")
    header = dict(found for line in lines[:start] if (found := _header(line)))
    table = _table(path, lines, start + 1)
    return TrackFile(
        identity=header.get("Identity", ""),
        reference=header.get("Reference", ""),
        offset=_number(header.get("Offset", "")),
        face_confidence=_number(header.get("FV Conf", "")),
        speaker_confidence=_number(header.get("ASD Conf", "")),
        frames=table[:, 0].astype(np.int64),
        boxes=table[:, 1:],
    )


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise TrackFileError(f"track file {path.name} has more than {MOST_BYTES:,} bytes, which are the most")
    return data.decode("utf-8-sig")


def _header(line: str) -> tuple[str, str] | None:
    """Name and value of a line above the table; the colon may be missing."""
    text = line.strip()
    for name in _HEADERS:
        if text.startswith(name):
            return name, text.removeprefix(name).strip().removeprefix(":").strip()
    return None


def _number(text: str) -> float | None:
    """The first word of a header's value, if it is a number."""
    try:
        return float(text.split()[0]) if text else None
    except ValueError:
        return None


def _table(path: Path, lines: list[str], start: int) -> NDArray[np.float64]:
    """The rows below the column names: (n, 5) float64, checked."""
    rows = [(number, line.split()) for number, line in enumerate(lines[start:], start + 1) if line.strip()]
    if not rows:
        raise TrackFileError(f"track file {path.name} has no row below FRAME X Y W H")
    try:
        table = np.array([row for _, row in rows], dtype=np.float64)
    except ValueError:
        table = np.array([_row_or_nan(row) for _, row in rows])
    if table.shape[1] != len(_COLUMNS):
        table = np.full((len(rows), len(_COLUMNS)), np.nan)
    wrong = ~np.isfinite(table).all(axis=1) | (table[:, 3:] <= 0).any(axis=1)
    wrong |= (table[:, 0] < 0) | (table[:, 0] > 1e9) | (table[:, 0] % 1 != 0)
    wrong[1:] |= ~(np.diff(table[:, 0]) > 0)
    if wrong.any():
        number, row = rows[int(np.argmax(wrong))]
        raise TrackFileError(
            f"line {number} of track file {path.name} is {' '.join(row)[:80]!r}; "
            "it must be FRAME X Y W H: a rising whole number and four numbers, W and H above 0"
        )
    return table


def _row_or_nan(row: list[str]) -> list[float]:
    """Five numbers; NaN where a row has other text or another length."""
    try:
        numbers = [float(text) for text in row]
    except ValueError:
        numbers = []
    return numbers if len(numbers) == len(_COLUMNS) else [np.nan] * len(_COLUMNS)


def box_at(
    track: TrackFile, pts_seconds: float, *, unit: str, width_px: int, height_px: int
) -> tuple[float, float, float, float] | None:
    """Where the track's person is at a time of the clip.

    Args:
        track: The clip's track file.
        pts_seconds: Time since the clip's first frame, which is the track's first FRAME.
        unit: ``px360`` or ``fraction``.
        width_px: Width of the clip's frames; they must show the whole original picture, not a crop of it.
        height_px: Their height.

    Returns:
        x0 y0 x1 y1 in frame pixels, interpolated between the neighbouring rows; it may leave the frame.
        None where the nearest row is more than 0.2 s away.

    Raises:
        ValueError: the unit is unknown.
    """
    if unit not in UNITS:
        raise ValueError(f"the unit of a track file is {unit!r}; it must be one of {', '.join(UNITS)}")
    frame = track.frames[0] + pts_seconds * TRACK_FPS
    if np.abs(track.frames - frame).min() > MAX_GAP_SECONDS * TRACK_FPS + 1e-6:
        return None
    x, y, width, height = (float(np.interp(frame, track.frames, column)) for column in track.boxes.T)
    scale_x, scale_y = (width_px, height_px) if unit == "fraction" else (height_px / 360, height_px / 360)
    return x * scale_x, y * scale_y, (x + width) * scale_x, (y + height) * scale_y
