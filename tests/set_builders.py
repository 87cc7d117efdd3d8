"""Small copies of the labelled sets, made up: their folders, their files of labels with the quirks of the real ones,
and pictures in which a patch for each AU, class or angle is brighter the more there is of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.clips import write_clip
from tests.label_file_builders import lines, write

AuValues: TypeAlias = Mapping[str, float | None]

SIDE_PX = 40
BP4D_PARTS = (
    "F001 F002 F008 F009 F010 F016 F018 F023 M001 M004 M007 M008 M012 M014",
    "F003 F005 F011 F013 F020 F022 M002 M005 M010 M011 M013 M016 M017 M018",
    "F004 F006 F007 F012 F014 F015 F017 F019 F021 M003 M006 M009 M015",
)
"""By hand from JAA-Net's lists, as those of DISFA."""
DISFA_PARTS = (
    "SN001 SN002 SN009 SN010 SN016 SN026 SN027 SN030 SN032",
    "SN006 SN011 SN012 SN013 SN018 SN021 SN024 SN028 SN031",
    "SN003 SN004 SN005 SN007 SN008 SN017 SN023 SN025 SN029",
)
FG2020_PARTS = (
    "SN002 SN005 SN006 SN007 SN012 SN013 SN016 SN018 SN026",
    "SN001 SN003 SN004 SN009 SN010 SN011 SN025 SN029 SN030",
    "SN008 SN017 SN021 SN023 SN024 SN027 SN028 SN031 SN032",
)
BP4D_AUS = ("AU01", "AU02", "AU04", "AU06", "AU07", "AU10", "AU12", "AU14", "AU15", "AU17", "AU23", "AU24")
DISFA_AUS = ("AU01", "AU02", "AU04", "AU05", "AU06", "AU09", "AU12", "AU15", "AU17", "AU20", "AU25", "AU26")
GFT_AUS = ("AU01", "AU02", "AU04", "AU06", "AU07", "AU10", "AU12", "AU14", "AU15", "AU23", "AU24")
OPENFACE_AUS = ("AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU12", "AU14", "AU15", "AU17",
                "AU20", "AU23", "AU25", "AU26", "AU28", "AU45")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What a made-up set says of one labelled frame."""

    identity: str
    video: str = "picture"
    clip: int = 0
    source_frame: int = 0
    aus: AuValues = field(default_factory=dict)
    """None is missing."""
    without: str | None = None
    """Why it can have no face."""
    split: str | None = None
    expression: str = ""


@dataclass(frozen=True, kw_only=True)
class MadeSet:
    """A set on disk."""

    source: Path
    """What ``--source`` names."""
    labels: Path
    """What `tcae-prep labels` gets."""
    truths: tuple[Truth, ...]


def patches(values: Iterable[float], seed: int, height_px: int = SIDE_PX, side_px: int = SIDE_PX) -> NDArray[np.uint8]:
    """A grey picture (height, side, 3) of 5x4 patches, the first ones as bright as values of 0 to 1, and some noise."""
    rng = np.random.default_rng(seed)
    wanted = list(values)
    grid = np.full(20, 0.5)
    grid[: len(wanted)] = wanted
    small = 30 + 190 * grid.reshape(4, 5) + rng.uniform(-15, 15)
    picture = cv2.resize(small, (side_px, height_px), interpolation=cv2.INTER_NEAREST)
    picture = np.clip(picture + rng.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)
    return np.repeat(picture[..., None], 3, axis=2)


def save(path: Path, picture: NDArray[np.uint8]) -> None:
    """As JPEG or PNG."""
    write(path, cv2.imencode(path.suffix, picture)[1].tobytes())


def drawn(aus: Sequence[str], rng: np.random.Generator, share: float = 0.35) -> dict[str, float | None]:
    """Presences of 0 and 1."""
    return {au: float(rng.random() < share) for au in aus}


def shown(truth: Truth, seed: int, most: float = 1.0, height_px: int = SIDE_PX) -> NDArray[np.uint8]:
    """The picture of a frame; what is missing is half bright."""
    return patches([0.5 if value is None else value / most for value in truth.aus.values()], seed, height_px)


def make_bp4d(folder: Path, num_frames: int = 5) -> MadeSet:
    """41 people, task T1 for all and T6 for three; frames 2 and on are coded, and there are pictures of 1 and on.

    Among the quirks: names of three and of four digits, Windows line ends, a byte order mark, a blank last line, 9s,
    AUs that nobody coded, a picture that is gone, one that is damaged and one that is not square.
    """
    rng, truths = np.random.default_rng(0), list[Truth]()
    people = sorted(" ".join(BP4D_PARTS).split())
    lost = {("M005", 3): "no_frame", ("F002", 4): "no_frame", ("M006", 2): "not_square"}
    for identity, task in [*((name, "T1") for name in people), ("F004", "T6"), ("M001", "T6"), ("M013", "T6")]:
        rows = [
            Truth(identity=identity, video=task, source_frame=number - 1, aus=drawn(BP4D_AUS, rng),
                  without=lost.get((identity, number)) if task == "T1" else None)
            for number in range(2, num_frames + 2)
        ]  # fmt: skip
        if identity in ("F007", "M018"):
            rows[0] = replace(rows[0], aus={**rows[0].aus, "AU14": None, "AU23": None})
        for number, truth in enumerate([replace(rows[0], aus={}, without=None), *rows], 1):
            path = folder / identity / task / f"{number:0{4 if identity[0] == 'F' else 3}d}.jpg"
            if truth.without != "no_frame":
                save(path, shown(truth, len(truths) + number, height_px=30 if truth.without else SIDE_PX))
        truths += rows
        write(folder / "AUCoding/AU_OCC" / f"{identity}_{task}.csv", _occurrences(identity, rows))
        write(folder / "AUCoding/AU_INT/AU12" / f"{identity}_{task}_AU12.csv", lines((2, 3), (3, 9)))
    write(folder / "F002/T1/0004.jpg", b"no picture")
    write(folder / "F001/T1/Thumbs.db", b"of Windows")
    return MadeSet(source=folder, labels=folder, truths=tuple(truths))


def _occurrences(identity: str, rows: Sequence[Truth]) -> str:
    header = (0, 1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 23, 24, 27, 28)
    cells = [[row.source_frame + 1, *(code(row.aus.get(f"AU{au:02d}")) for au in header[1:])] for row in rows]
    text = lines(header, *cells, end="\r\n" if identity[0] == "M" else "\n")
    return {"F001": "\ufeff" + text, "F003": text + "\n"}.get(identity, text)


def code(value: float | None, missing: object = 9) -> object:
    return missing if value is None else int(value)


def make_disfa(folder: Path, num_frames: int = 8) -> MadeSet:
    """27 people, a video of the left camera each and one of the right, 12 files of intensities each.

    Among the quirks: a file that is a line shorter, a video that is a frame shorter, Windows line ends.
    """
    rng, truths = np.random.default_rng(1), list[Truth]()
    for identity in sorted(" ".join(DISFA_PARTS).split()):
        intensities = rng.choice([0, 0, 0, 1, 2, 3, 4, 5], (num_frames, len(DISFA_AUS)))
        rows = [
            Truth(
                identity=identity,
                video="left",
                source_frame=number,
                aus=dict(zip(DISFA_AUS, map(float, row), strict=True)),
            )
            for number, row in enumerate(intensities)
        ]
        num_shown = num_frames - (identity == "SN011")
        write_video(folder / f"Videos_LeftCamera/LeftVideo{identity}_comp.avi", rows[:num_shown], len(truths), 5.0)
        if identity == "SN010":
            rows[-1] = replace(rows[-1], aus={**rows[-1].aus, "AU26": None})
        rows[num_shown:] = [replace(row, without="no_frame") for row in rows[num_shown:]]
        truths += rows
        for au in DISFA_AUS:
            cells = [(row.source_frame + 1, int(row.aus[au] or 0)) for row in rows if row.aus[au] is not None]
            path = folder / f"ActionUnit_Labels/{identity}/{identity}_au{int(au[2:])}.txt"
            write(path, lines(*cells, end="\r\n" if identity == "SN012" else "\n"))
    write_video(folder / "Videos_RightCamera/RightVideoSN001_comp.avi", truths[:num_frames], 0, 5.0)
    return MadeSet(source=folder, labels=folder, truths=tuple(truths))


def write_video(path: Path, rows: Sequence[Truth], seed: int, most: float = 1.0) -> None:
    """A frame for each row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = [shown(row, seed + number, most) for number, row in enumerate(rows)]
    codec = "mpeg4" if path.suffix == ".avi" else "libx264"
    write_clip(path, len(rows), codec=codec, draw=lambda number: pictures[number])


GFT_SPLITS = {"001A": "train", "001B": "train", "001C": "train", "002A": "train", "002B": "train", "002C": "train",
              "003A": "train", "003B": "val", "003C": "test", "004A": "test", "004B": "test",
              "099A": "test"}  # fmt: skip
"""Of the list; 099A has no file, and 004C, who has one, is not in the list."""


def make_gft(folder: Path, num_frames: int = 12) -> MadeSet:
    """12 people; files with empty cells and 9s, columns named in two ways, and ``splits.csv``."""
    rng, truths = np.random.default_rng(2), list[Truth]()
    for identity in (f"00{group}{person}" for group in range(1, 5) for person in "ABC"):
        rows = [
            Truth(identity=identity, video="video", source_frame=number, aus=drawn(GFT_AUS, rng),
                  split=GFT_SPLITS.get(identity))
            for number in range(num_frames)
        ]  # fmt: skip
        write_video(folder / f"videos/{identity}.mp4", rows, len(truths))
        rows[0] = replace(rows[0], aus={**rows[0].aus, "AU15": None})
        truths += rows
        header = ("Frame", *(au.replace("AU0", "AU") if identity[-1] == "B" else au for au in GFT_AUS))
        missing = "" if identity[-1] == "C" else 9
        cells = [(row.source_frame + 1, *(code(value, missing) for value in row.aus.values())) for row in rows]
        write(folder / f"labels/{identity}.csv", lines(header, *cells, end="\r\n" if identity[-1] == "A" else "\n"))
    write(folder / "splits.csv", lines(("identity", "split"), *GFT_SPLITS.items()))
    return MadeSet(source=folder, labels=folder / "labels", truths=tuple(truths))


def make_openface(folder: Path, num_frames: int = 6) -> MadeSet:
    """Six people, a video each of two clips; OpenFace lost the face in the second frame of some."""
    rng, truths = np.random.default_rng(6), list[Truth]()
    names = ("frame", "face_id", "timestamp", "confidence", "success", "pose_Rx", "pose_Ry", "pose_Rz")
    for identity, clip in ((f"id{person}", clip) for person in range(6) for clip in range(2)):
        rows = [
            Truth(identity=identity, video="talk", clip=clip, source_frame=number, aus=drawn(OPENFACE_AUS, rng))
            for number in range(num_frames)
        ]
        write_video(folder / f"videos/{identity}/talk/{clip + 9}.mp4", rows, len(truths))
        lost = 1 if identity == "id3" else None
        cells = [
            (row.source_frame + 1, 0, 0.04 * row.source_frame, 0.98, int(row.source_frame != lost), 0.1, -0.2, 0.0,
             *(2.5 * (value or 0) for value in row.aus.values()), *(code(value) for value in row.aus.values()))
            for row in rows
        ]  # fmt: skip
        header = (*names, *(f"{au}_{kind}" for kind in "rc" for au in OPENFACE_AUS))
        write(folder / f"csv/{identity}/talk/{clip + 9}.csv", lines(header, *cells).replace(",", ", "))
        truths += [row for row in rows if row.source_frame != lost]
    return MadeSet(source=folder / "videos", labels=folder / "csv", truths=tuple(truths))
