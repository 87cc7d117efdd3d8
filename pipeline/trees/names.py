"""Which names of a source may become names of the workspace, and how the others are shown."""

import os
import unicodedata

from tcae.manifests.errors import ItemError

MAX_NAME_BYTES = 255
"""Of one name on the usual file systems."""


class BadNameError(ItemError):
    """A name would leave the workspace or cannot be written into a table."""

    reason = "name"


def suffix_of(name: str) -> str:
    """The extension in lower case, with its dot.

    >>> suffix_of("A.b.MP4")
    '.mp4'
    """
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 (a Path per file is slow)


def stem_of(name: str) -> str:
    """The name without its extension."""
    return os.path.splitext(name)[0]  # noqa: PTH122


def check_name(name: str) -> BadNameError | None:
    """Why a name cannot be an identity, a video or a clip; None where it can.

    Letters of any script are fine. Refused are control characters and line separators, bytes that are not UTF-8, the
    empty name, slashes, a leading dot (so ``.`` and ``..`` too) and more than 255 bytes.
    """
    if name.isascii() and name.isprintable() and name and name[0] != "." and "/" not in name and len(name) < 200:
        return None
    if not name:
        return BadNameError("the name is empty")
    if any(unicodedata.category(character) == "Cs" for character in name):
        return BadNameError(f"the name {printable(name)} has bytes that are not UTF-8; rename it")
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in name):
        return BadNameError(f"the name {printable(name)} has control characters; rename it")
    if name[0] == "." or "/" in name:
        return BadNameError(f"the name {printable(name)} would leave its folder: no leading dot, no slash")
    if len(name.encode()) > MAX_NAME_BYTES:
        return BadNameError(f"the name {printable(name)} has {len(name.encode())} bytes; {MAX_NAME_BYTES} is the most")
    return None


def printable(name: str) -> str:
    r"""A refused name as one that is safe to print, to store and as a path: at most 255 bytes, never empty.

    >>> printable("..\n")
    '\\x2e.\\x0a'
    """
    shown = "".join(map(_shown, name)).replace("/", r"\x2f")
    shown = rf"\x2e{shown[1:]}" if shown[:1] == "." else shown
    return shown.encode()[:MAX_NAME_BYTES].decode("utf-8", "ignore") or "-"


def printable_path(path: str) -> str:
    """``printable`` for each part of a relative path."""
    return "/".join(map(printable, path.split("/"))) if path else "."


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cs":
        return rf"\x{ord(character) & 0xFF:02x}"
    return rf"\x{ord(character):02x}" if category in ("Cc", "Zl", "Zp") else character


def plain(name: str) -> str:
    """A name in Unicode's composed form (NFC), so that a tree that was moved from macOS has the same names."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)
