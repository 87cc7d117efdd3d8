"""How labels and frames meet: the names of pictures that stand for themselves, and numbers in file names.

A labelled frame is (identity, video, clip, source_frame). The reader of a set's labels and the layout of its media
take these names from here, so that both give the same ones without having seen each other.

Convention:
    source_frame: counts from 0; a set whose own numbers count from 1 is shifted by ``FRAME_BASES``.
    clip: 0 wherever a video is one file or one folder of pictures, which is so in every set but OpenFace's.
"""

import hashlib
import re
import unicodedata

from tcae.pipeline.trees.names import MAX_NAME_BYTES, plain, stem_of

PICTURE = "picture"
"""The video of a picture that is a clip, and a person, of its own."""

FRAME_BASES = {"bp4d": 1, "disfa": 1, "gft": 1}
"""The number that a layout's first frame has in the set's own files; 0 for all others."""

_DIGITS = re.compile(r"\d+")
_HASH_DIGITS = 12


def number_in(name: str) -> int | None:
    """The last number in a file's name, without its extension; None where it has no digit.

    >>> number_in("frame_00003_rgb.png")
    3
    """
    digits = _DIGITS.findall(stem_of(name))
    return int(digits[-1]) if digits else None


def picture_identity(path: str) -> str:
    """The identity of a picture that stands for itself.

    Its folders below the source and its stem, joined by hyphens; what a name may not have (``trees.names.check_name``)
    becomes ``_``, and a name that is too long ends in a hash. ``a-b.jpg`` and ``a/b.jpg`` share one, and so do
    ``a.jpg`` and ``a.png``: the layout refuses the second.

    Args:
        path: The picture's path relative to the source, with slashes.

    >>> picture_identity("Image/aligned/train_1_aligned.jpg")
    'Image-aligned-train_1_aligned'
    """
    *folders, name = (part for part in plain(path).split("/") if part not in ("", "."))
    joined = "".join(map(_allowed, "-".join((*folders, stem_of(name)))))
    named = f"_{joined[1:]}" if joined.startswith(".") else joined
    return named if len(named.encode()) <= MAX_NAME_BYTES else _shortened(named)


def _allowed(character: str) -> str:
    return "_" if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") else character


def _shortened(name: str) -> str:
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_DIGITS]
    kept = name.encode()[: MAX_NAME_BYTES - _HASH_DIGITS - 1].decode("utf-8", "ignore")
    return f"{kept}-{digest}"
