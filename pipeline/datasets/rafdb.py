"""RAF-DB, basic expressions: ``EmoLabel/list_patition_label.txt`` (spelled so), a picture and a number on each line.

``train_00001.jpg 5`` is the picture ``Image/aligned/train_00001_aligned.jpg``; its first word is the official split.
"""

import re
from collections import Counter
from pathlib import Path

import pyarrow as pa

from tcae.manifests.errors import ManifestError
from tcae.pipeline.datasets.files import find_files
from tcae.pipeline.datasets.frames import picture_labels
from tcae.pipeline.datasets.keys import picture_identity
from tcae.pipeline.datasets.reading import LabelOptions, ReadLabels
from tcae.pipeline.datasets.sheets import read_bytes

EXPRESSIONS = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
"""By the file's number less 1."""

_FILE = re.compile(r"list_pa(?:rti|ti)tion_label\.txt", re.IGNORECASE)
_LINE = re.compile(r"((train|test)_\S+)\s+([1-7])")


def read(folder: Path, options: LabelOptions) -> ReadLabels:
    """The expression and the official split of every picture.

    Args:
        folder: The list, or a folder that has it.
        options: None of them matters here.

    Raises:
        ConfigError: there is no such file.
        ManifestError: the file makes no sense; the message has the line.
    """
    path = folder if folder.is_file() else find_files(folder, _FILE, "EmoLabel/list_patition_label.txt")[0][0]
    rows = _read_list(path)
    table = picture_labels(list(rows), {})
    table = table.append_column("expression", pa.array([expression for expression, _ in rows.values()], pa.string()))
    table = table.append_column("official_split", pa.array([split for _, split in rows.values()], pa.string()))
    counts = Counter(split for _, split in rows.values())
    return ReadLabels(table, [f"{counts['train']:,} pictures of train, {counts['test']:,} of test"])


def _read_list(path: Path) -> dict[str, tuple[str, str]]:
    """By identity the expression and the split."""
    rows: dict[str, tuple[str, str]] = {}
    for number, line in enumerate(read_bytes(path).decode("utf-8", "replace").splitlines(), 1):
        found = _LINE.fullmatch(line.strip())
        if not found:
            if not line.strip():
                continue
            raise ManifestError(
                f"{path}, line {number}: {line.strip()!r}; it must be a picture of train_ or test_ and a number "
                f"from 1 to {len(EXPRESSIONS)}"
            )
        name, split, label = found.groups()
        identity = picture_identity(name)
        if identity in rows:
            raise ManifestError(f"{path}, line {number}: {name} is there twice; it must be there once")
        rows[identity] = EXPRESSIONS[int(label) - 1], split
    if not rows:
        raise ManifestError(f"{path} is empty; each line must have a picture and a number")
    return rows
