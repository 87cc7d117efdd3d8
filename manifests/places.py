"""Places: paths on this machine and URLs in object stores, for whatever reads both."""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from tcae.manifests.errors import ConfigError
from tcae.manifests.stores import RefusedError, StorePath, fetch, find, scan

Place: TypeAlias = Path | StorePath
"""What is asked of a ``Path`` goes to the system at once."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_url(text: str) -> bool:
    """Whether a text names a place by its URL."""
    return _URL.match(text) is not None


def place(text: str) -> Place:
    """What a user names: a path, or a URL such as ``s3://bucket/tree``; ``file:///x`` is the path ``/x``.

    Raises:
        ConfigError: the URL names no bucket.
    """
    if not is_url(text):
        return Path(text)
    if text.lower().startswith("file://"):
        return Path(unquote(urlsplit(text).path))
    found = StorePath(text)
    if len(found.parts) < 2:
        raise ConfigError(f"{text} names no bucket; write for instance {text.partition('//')[0]}//bucket/folder")
    return found


def scratch_of(store: StorePath) -> Path:
    """The folder of this machine in which what belongs into a store is made: below ``$TCAE_SCRATCH``, else ``/tmp``.

    The same for the same store, so that a command goes on where a killed one stopped, and ours alone.

    Raises:
        ConfigError: it cannot be made, or is another user's.
    """
    base = Path(os.environ.get("TCAE_SCRATCH") or tempfile.gettempdir()) / f"tcae-{os.getuid()}"
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make {base} ({error.strerror}); name another folder with $TCAE_SCRATCH") from error
    if base.is_symlink() or base.stat().st_uid != os.getuid():
        raise ConfigError(f"{base} is not ours; name another folder with $TCAE_SCRATCH")
    return base / hashlib.blake2b(str(store).encode(), digest_size=8).hexdigest()


def is_folder(where: Place) -> bool:
    """Whether there is a folder that we may look at; raises StoreError."""
    return os.path.isdir(where) if isinstance(where, Path) else _is_kind(where, is_folder=True)  # noqa: PTH112


def is_file(where: Place) -> bool:
    """Whether there is a file that we may look at; raises StoreError."""
    return os.path.isfile(where) if isinstance(where, Path) else _is_kind(where, is_folder=False)  # noqa: PTH113


def _is_kind(where: StorePath, *, is_folder: bool) -> bool:
    try:
        found = find(where)
    except RefusedError:
        return False
    return found is not None and found.is_folder == is_folder


def names_in(folder: Place) -> list[str]:
    """The names of what lies in a folder, in any order; none where it cannot be listed; raises StoreError."""
    try:
        if isinstance(folder, Path):
            return os.listdir(folder)  # noqa: PTH208 (a Path per file is slow)
        return [entry.name for entry in scan(folder)]
    except OSError:
        return []


@contextmanager
def at_hand(where: Place, is_wanted: Callable[[str], bool] | None = None) -> Iterator[Path]:
    """A file, or a folder with its files, on this machine while the block runs; a ``Path`` is there already.

    Args:
        where: What is wanted; where the store has no such thing, there is none on this machine either.
        is_wanted: Tells by their names which files of a folder are wanted; None where it must be a file.

    Raises:
        StoreError: the store refuses us, or cannot be reached.
    """
    if isinstance(where, Path):
        yield where
        return
    with tempfile.TemporaryDirectory(prefix="tcae-") as folder:
        local = Path(folder) / where.name
        if is_wanted is not None and is_folder(where):
            names = [entry.name for entry in scan(where) if not entry.is_folder and is_wanted(entry.name)]
            fetch({where / name: local / name for name in names})
        else:
            fetch({where: local})
        yield local
