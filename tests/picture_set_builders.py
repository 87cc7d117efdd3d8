"""Small copies of the sets of single pictures, made up as those of ``set_builders``, and of the sets of head poses."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import openpyxl
from numpy.typing import NDArray
from scipy.io import savemat

from tests.label_file_builders import lines, write
from tests.set_builders import OPENFACE_AUS, SIDE_PX, MadeSet, Truth, code, drawn, patches, save, shown

EMOTIONET_AUS = ("AU01", "AU02", "AU04", "AU05", "AU06", "AU09", "AU12", "AU17", "AU20", "AU25", "AU26", "AU43")
FER_EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
RAF_EXPRESSIONS = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")


def make_emotionet(folder: Path, num_pictures: int = 48) -> MadeSet:
    """A spreadsheet of URLs with quoted names of columns, empty cells and 999s, and the pictures that still exist."""
    rng, rows, truths = np.random.default_rng(3), list[Sequence[object]](), list[Truth]()
    for number in range(num_pictures):
        name, gone = f"N_{number:010d}", number % 24 == 23
        aus = drawn(EMOTIONET_AUS, rng)
        if number % 10 == 0:
            aus["AU43"] = None
        truth = Truth(identity=name, aus=aus, without="no_frame" if gone else None,
                      split="test" if number % 3 == 2 else "train")  # fmt: skip
        if not gone:
            save(folder / f"pictures/{name}.jpg", shown(truth, number))
        missing = 999 if number % 20 else None
        rows.append((f"http://host.example/faces/{name}.jpg", *(code(value, missing) for value in aus.values())))
        truths.append(truth)
    book = openpyxl.Workbook()
    for row in [("URL", *(f"'AU {int(au[2:])}'" for au in EMOTIONET_AUS)), *rows]:
        book.active.append(row)
    book.save(folder / "emotionet_facs_24600.xlsx")
    write(folder / "splits.csv", lines(("identity", "split"), *((row.identity, row.split) for row in truths)))
    return MadeSet(source=folder / "pictures", labels=folder / "emotionet_facs_24600.xlsx", truths=tuple(truths))


def _of_class(label: int, seed: int, side_px: int = SIDE_PX) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return patches([*(float(label == number) for number in range(7)), *rng.random(5)], seed, side_px, side_px)


def make_fer2013(folder: Path, pictures_of_each: Mapping[str, int] | None = None) -> MadeSet:
    """``fer2013.csv`` with Windows line ends, pictures of 48x48 in it; the source is made when it is unpacked."""
    counts = pictures_of_each or {"Training": 5, "PublicTest": 1, "PrivateTest": 2}
    truths, rows = list[Truth](), list[Sequence[object]]()
    for usage, split in {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}.items():
        for label in list(range(7)) * counts[usage]:
            number = len(rows)
            rows.append((label, " ".join(map(str, _of_class(label, number, 48)[..., 0].ravel())), usage))
            truths.append(
                Truth(identity=f"fer2013-{usage}-{number:05d}", split=split, expression=FER_EXPRESSIONS[label])
            )
    path = write(folder / "fer2013.csv", lines(("emotion", "pixels", "Usage"), *rows, end="\r\n"))
    return MadeSet(source=folder, labels=path, truths=tuple(truths))


def make_rafdb(folder: Path, pictures_of_each: Mapping[str, int] | None = None) -> MadeSet:
    """The list, spelled as it is, and the aligned pictures; one of them is gone, and one is not square."""
    truths = list[Truth]()
    for split, count in (pictures_of_each or {"train": 5, "test": 2}).items():
        for number, label in enumerate(list(range(7)) * count, 1):
            name = f"{split}_{number:0{5 if split == 'train' else 4}d}"
            without = {"train_00007": "no_frame", "test_0003": "not_square"}.get(name)
            path, picture = folder / f"Image/aligned/{name}_aligned.jpg", _of_class(label, len(truths))
            if without != "no_frame":
                save(path, picture[:30] if without else picture)
            save(folder / f"Image/original/{name}.jpg", picture[:8, :8])
            truths.append(Truth(identity=name, split=split, expression=RAF_EXPRESSIONS[label], without=without))
    rows = [f"{row.identity}.jpg {RAF_EXPRESSIONS.index(row.expression) + 1}\r\n" for row in truths]
    write(folder / "EmoLabel/list_patition_label.txt", "".join(rows))
    return MadeSet(source=folder, labels=folder, truths=tuple(truths))


def make_openface_list(folder: Path, num_pictures: int = 36) -> MadeSet:
    """A list of FG 2020 without a header, and a list of who is tested."""
    rng, truths, rows = np.random.default_rng(4), list[Truth](), list[str]()
    for number in range(num_pictures):
        name = f"m.059w4s_{number}-FaceId-0"
        truth = Truth(identity=name, aus=drawn(OPENFACE_AUS, rng), split="test" if number % 3 == 2 else "train")
        save(folder / f"pictures/{name}.jpg", shown(truth, number))
        flags = ",".join(str(code(value)) for value in truth.aus.values())
        rows.append(f'{name}.jpg,"(0, 0, 40, 40)",{number % 2},{flags}\n')
        truths.append(truth)
    write(folder / "splits.csv", lines(("identity", "split"), *((row.identity, row.split) for row in truths)))
    path = write(folder / "train_label.csv", "".join(rows))
    return MadeSet(source=folder / "pictures", labels=path, truths=tuple(truths))


def make_300w_lp(folder: Path, num_pictures: int = 24) -> MadeSet:
    """Half of the pictures are mirror images; a folder of code has a picture with a pose too, which is no face."""
    truths = []
    for number, angles in enumerate(_angles(num_pictures, 4)):
        path = f"AFW{'_Flip' if number % 2 else ''}/AFW_{number:06d}_1_0"
        _posed(folder / path, angles, number)
        truths.append(Truth(identity=path.replace("/", "-"), split="train"))
    _posed(folder / "Code/Mesh/sample", np.zeros(3), 0)
    return MadeSet(source=folder, labels=folder, truths=tuple(truths))


def make_aflw2000(folder: Path, num_pictures: int = 12) -> MadeSet:
    """One of the pictures shows a face turned too far."""
    truths = []
    for number, angles in enumerate(_angles(num_pictures, 5), 2):
        _posed(folder / f"image{number:05d}", angles, number)
        truths.append(Truth(identity=f"image{number:05d}", split="test"))
    _posed(folder / "image00001", np.array([110.0, 0, 0]), 1)
    return MadeSet(source=folder, labels=folder, truths=tuple(truths))


def make_biwi(folder: Path, num_pictures: int = 6) -> MadeSet:
    """Two recordings that begin at frame 3; depth pictures lie beside, and one frame has no picture."""
    truths = []
    for recording in ("01", "02"):
        for number, (yaw, pitch, roll) in enumerate(_angles(num_pictures, int(recording)), 3):
            path = folder / recording / f"frame_{number:05d}"
            (sy, sp, sr), (cy, cp, cr) = np.sin(np.radians([yaw, pitch, roll])), np.cos(np.radians([yaw, pitch, roll]))
            turns = ([[1, 0, 0], [0, cp, sp], [0, -sp, cp]], [[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]],
                     [[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])  # fmt: skip
            rotation = np.linalg.multi_dot([np.array(turn) for turn in turns])
            numbers = [*(" ".join(f"{value:.6f}" for value in row) + " " for row in rotation), "", "40.1 -2.5 900.3 "]
            write(path.with_name(f"{path.name}_pose.txt"), "\n".join([*numbers, ""]))
            write(path.with_name(f"{path.name}_depth.bin"), b"depth")
            gone = (recording, number) == ("02", 5)
            if not gone:
                save(path.with_name(f"{path.name}_rgb.png"), _turned(np.array([yaw, pitch, roll]), number))
            truths.append(
                Truth(identity=recording, video=recording, source_frame=number, without="no_frame" if gone else None)
            )
    return MadeSet(source=folder, labels=folder, truths=tuple(truths))


def _angles(num: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yaw, pitch and roll in degrees by our signs."""
    yield from np.random.default_rng(seed).uniform(-60, 60, (num, 3))


def _turned(angles: NDArray[np.float64], seed: int) -> NDArray[np.uint8]:
    return patches((angles + 60) / 120, seed)


def _posed(path: Path, angles: NDArray[np.float64], seed: int) -> None:
    save(path.with_suffix(".jpg"), _turned(np.clip(angles, -60, 60), seed))
    yaw, pitch, roll = np.radians(angles)
    pose = np.array([[pitch, -yaw, roll, 120.0, 130.0, -60.0, 0.001]], np.float32)
    savemat(path.with_suffix(".mat"), {"Pose_Para": pose, "pt2d": np.zeros((2, 68)), "Shape_Para": np.zeros((199, 1))})
