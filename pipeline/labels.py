"""The door to the labels of every set: by the set's name, from its own files as distributed.

A set's module is imported when its labels are read, because each needs another library.
"""

import importlib
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.compute as pc

from tcae.manifests.errors import ConfigError
from tcae.manifests.workspace import Workspace
from tcae.pipeline.datasets.reading import LabelOptions, ReadLabels


class _Source(NamedTuple):
    module: str
    function: str = "read"
    tree: str | None = None
    """The layout of its frames, for ``tcae-prep extract``; None where they may lie in several."""
    crops: bool = False
    """Whether its pictures are face crops already."""


_SOURCES = {
    "bp4d": _Source("bp4d", tree="bp4d"),
    "disfa": _Source("disfa", tree="disfa"),
    "gft": _Source("gft", tree="gft"),
    "emotionet": _Source("emotionet", tree="pictures"),
    "openface": _Source("openface"),
    "openface-list": _Source("openface_list", tree="pictures"),
    "fer2013": _Source("fer2013", tree="pictures", crops=True),
    "rafdb": _Source("rafdb", tree="rafdb", crops=True),
    "300w-lp": _Source("headposes", "read_300w_lp", tree="pictures"),
    "aflw2000": _Source("headposes", "read_aflw2000", tree="pictures"),
    "biwi": _Source("biwi", tree="biwi"),
}

LABEL_SETS = tuple(_SOURCES)
"""The sets whose labels can be read."""

_WITH_PICTURES = ("fer2013",)
"""Their pictures are inside the file of their labels."""


def preparation_of(layout: str) -> str:
    """The commands that make the faces of a set, once its labels are read."""
    source = _SOURCES[layout]
    tree = f" --layout {source.tree}" if source.tree else ""
    return f"tcae-prep extract{tree}, tcae-prep align{' --detector whole' if source.crops else ''}"


def read_label_files(layout: str, folder: Path, options: LabelOptions) -> ReadLabels:
    """The labels of a set.

    Args:
        layout: One of ``LABEL_SETS``.
        folder: The set's folder, or the file that has its labels.
        options: What the files do not say.

    Raises:
        ConfigError: there is no set of that name, or nothing of it in the folder.
        ManifestError: a file makes no sense; the message names file and line.
    """
    if layout not in _SOURCES:
        raise ConfigError(f"there is no set {layout!r}; there is {', '.join(LABEL_SETS)}")
    if not folder.exists():
        raise ConfigError(f"{folder} is not there; name the folder that has the labels of {layout}")
    source = _SOURCES[layout]
    read: ReadLabels = getattr(_module(source.module), source.function)(folder, options)
    if not len(read.table):
        raise ConfigError(f"{folder} has label files of {layout}, and not one label in them")
    return read._replace(notes=[*read.notes, *_doubts(read, options)])


def _doubts(read: ReadLabels, options: LabelOptions) -> list[str]:
    """A wrong base is no error that a file could show: it moves every label by one frame."""
    first = pc.min(read.table["source_frame"]).as_py()
    if options.frame_base != 0 or first == 0:
        return []
    return [
        f"warning: no file has a frame 0, the first is {first}; if numbers count from 1, every label is one frame late"
        ": leave --frame-base out"
    ]


def unpack_pictures(layout: str, folder: Path, workspace: Workspace) -> int:
    """Write the pictures of a set that has them inside its labels, so that they can be extracted.

    Args:
        layout: One of ``LABEL_SETS``.
        folder: The set's folder or file.
        workspace: Its ``videos/<layout>`` gets the pictures that it lacks.

    Returns:
        How many were written; 0 for the other sets.
    """
    if layout not in _WITH_PICTURES:
        return 0
    num_written: int = _module(_SOURCES[layout].module).unpack(folder, workspace.videos / layout)
    return num_written


def _module(name: str) -> Any:
    return importlib.import_module(f"tcae.pipeline.datasets.{name}")
