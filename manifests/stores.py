"""The only door to fsspec: object stores such as ``s3://bucket/tree``, as far as the stages need them.

Convention:
    An object is put and fetched whole: a reader of a store sees the old one or the new one, never a part of it.
    A missing object is a ``FileNotFoundError``, as for a file; everything else that goes wrong on the way to a store
    stops the command, because it is no fault of the item: after ``WAITS_SECONDS``, beside the library's own trials.
"""

import errno
import os
import posixpath
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, TypeVar

from tcae.manifests.errors import ConfigError, MissingToolError, TcaeError

WAITS_SECONDS = (1.0, 4.0)
"""Waits before a request that failed is tried again, one for each trial."""
NUM_AT_ONCE = 16
"""Objects that are under way together."""

_TIMES = ("LastModified", "mtime", "updated", "last_modified", "created")
_FAILURES = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("aiohttp", "ClientError"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("gcsfs.retry", "HttpError"),
)
"""What stores' libraries raise that is no OSError."""
_REFUSALS = (("botocore.exceptions", "NoCredentialsError"), ("botocore.exceptions", "PartialCredentialsError"))
"""Of these, what will not change with waiting."""

Answer = TypeVar("Answer")


class StoreError(TcaeError):
    """An object store cannot be reached, or refuses us; what was written before stays, and the command can go on."""


class RefusedError(StoreError):
    """The store does not let us: wrong credentials, or no right to this object."""


class StorePath(PurePosixPath):
    """A place in an object store; its parts and parents are a path's, its text is a URL."""

    __slots__ = ()

    def __str__(self) -> str:
        """The URL."""
        return f"{self.parts[0]}//{'/'.join(self.parts[1:])}" if self.parts else ""

    def absolute(self) -> "StorePath":
        """Itself."""
        return self

    def exists(self) -> bool:
        """Whether there is such an object or folder; raises StoreError."""
        return find(self) is not None

    def mkdir(self, *, parents: bool = True, exist_ok: bool = True) -> None:
        """Nothing: stores make folders by themselves."""

    def touch(self) -> None:
        """Put an empty object there; raises StoreError."""
        store = _Store(self)
        store.tell(self, lambda: store.system.pipe_file(store.key(self), b""))

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove an object; raises StoreError, and FileNotFoundError where it is missing and must not be."""
        if not missing_ok and not self.exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self))
        remove([self])


class Stored(NamedTuple):
    """One entry of a folder in a store."""

    name: str
    is_folder: bool
    num_bytes: int
    modified_ns: int
    """0 where the store does not say."""


class _Store:
    """The file system that a place lies in."""

    def __init__(self, where: StorePath) -> None:
        import fsspec

        bucket = StorePath(*where.parts[:2])  # in a whole URL fsspec reads more than a name
        try:
            self.system = fsspec.url_to_fs(str(bucket), use_listings_cache=False)[0]
        except ImportError as error:
            what = "pip install tcae[s3]" if where.parts[0] in ("s3:", "s3a:") else str(error)
            raise MissingToolError(f"{where} needs a library that is not installed: {what}") from error
        except ValueError as error:
            raise ConfigError(f"{where} cannot be used ({error}); a URL is for instance s3://bucket/folder") from error

    def key(self, where: StorePath) -> str:
        """How the file system itself names a place; ``..`` is followed."""
        return posixpath.normpath(str(self.system._strip_protocol(str(where))))

    def ask(self, where: StorePath, question: Callable[[], Answer]) -> Answer:
        """Ask a few times, and say in one line what is wrong.

        Raises:
            FileNotFoundError: there is no such object.
            StoreError: the store refuses us, or cannot be reached.
        """
        waits = iter(WAITS_SECONDS)
        while True:
            try:
                return question()
            except FileNotFoundError as error:
                raise FileNotFoundError(errno.ENOENT, _first_line(error) or "No such object", str(where)) from error
            except _known(PermissionError, _REFUSALS) as error:
                why = f"the store refuses {where} ({_first_line(error)}); look at the credentials and their rights"
                raise RefusedError(f"{why}, then the same command goes on from here") from error
            except _known(OSError, _FAILURES) as error:
                wait_seconds = next(waits, None)
                if wait_seconds is None:
                    why = f"the store does not give or take {where} ({type(error).__name__}: {_first_line(error)})"
                    raise StoreError(f"{why}; when it can be reached, the same command goes on from here") from error
                time.sleep(wait_seconds)

    def tell(self, where: StorePath, statement: Callable[[], object]) -> None:
        """Put something there, for which nothing but a bucket can be missing; raises StoreError."""
        try:
            self.ask(where, statement)
        except FileNotFoundError as error:
            raise StoreError(f"{where} cannot be written ({error.strerror}); make the bucket first") from error


def _known(first: type[Exception], names: Iterable[tuple[str, str]]) -> tuple[type[Exception], ...]:
    """An exception, and those whose library is loaded: nobody else can have raised them."""
    loaded = [(sys.modules.get(module), name) for module, name in names]
    return (first, *(getattr(module, name) for module, name in loaded if module is not None))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]


def find(where: StorePath) -> Stored | None:
    """One object or folder; None where there is none; raises StoreError."""
    if len(where.parts) < 2:
        return None
    store = _Store(where)
    try:
        return _stored(store.ask(where, lambda: store.system.info(store.key(where))))
    except FileNotFoundError:
        return None


def scan(folder: StorePath) -> list[Stored]:
    """What lies in a folder, in any order.

    Raises:
        FileNotFoundError: there is no such folder.
        StoreError: the store refuses us, or cannot be reached.
    """
    store = _Store(folder)
    own = store.key(folder)
    found = store.ask(folder, lambda: store.system.ls(own, detail=True))
    return [_stored(info) for info in found if str(info["name"]).rstrip("/") != own]


def _stored(info: Mapping[str, Any]) -> Stored:
    name = str(info["name"]).rstrip("/").rpartition("/")[2]
    moment = next((info[key] for key in _TIMES if info.get(key) is not None), 0)
    moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    seconds = moment.timestamp() if isinstance(moment, datetime) else moment
    return Stored(name, info["type"] == "directory", int(info["size"] or 0), round(seconds * 1e9))


def below(folder: StorePath, store: _Store | None = None) -> list[StorePath]:
    """Every object below a folder; none where there is no such folder; raises StoreError."""
    store = store or _Store(folder)
    own = store.key(folder)
    try:
        found = store.ask(folder, lambda: store.system.find(own))
    except FileNotFoundError:
        return []
    return [folder / str(key).removeprefix(own).lstrip("/") for key in found if not str(key).endswith("/")]


def scan_all(folder: StorePath) -> dict[str, list[Stored]]:
    """What lies in a folder and in every folder below it, by their paths from it; empty where there is no such folder.

    A store gives a thousand objects for one request, in however many folders they lie.

    Raises:
        StoreError: the store refuses us, or cannot be reached.
    """
    store = _Store(folder)
    own = store.key(folder)
    try:
        infos = store.ask(folder, lambda: store.system.find(own, detail=True))
    except FileNotFoundError:
        return {}
    found: dict[str, list[Stored]] = {"": []} if infos else {}
    for key, info in infos.items():
        *folders, name = str(key).removeprefix(own).lstrip("/").split("/")
        for depth, folder_name in enumerate(folders):
            path = "/".join(folders[: depth + 1])
            if path not in found:
                found[path] = []
                found["/".join(folders[:depth])].append(Stored(folder_name, True, 0, 0))
        if name:
            found["/".join(folders)].append(_stored(info))
    return found


def fetch(files: Mapping[StorePath, Path]) -> None:
    """Copy objects to files, whole; of an object that is missing no file is left.

    Raises:
        StoreError: the store refuses us or cannot be reached, or the disk is full.
    """
    _each(list(files.items()), _fetch)


def _fetch(store: _Store, pair: tuple[StorePath, Path]) -> None:
    from fsspec.callbacks import Callback

    source, target = pair
    partial = target.with_name(f".{target.name}.partial")

    def copy() -> None:
        progress = Callback()
        store.system.get_file(store.key(source), str(partial), callback=progress)
        if progress.size is not None and partial.stat().st_size != progress.size:
            raise OSError(errno.EIO, f"broke off after {partial.stat().st_size} of {progress.size} bytes")

    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        store.ask(source, copy)
        partial.replace(target)
    except FileNotFoundError:
        target.unlink(missing_ok=True)
    finally:
        partial.unlink(missing_ok=True)


def send(files: Mapping[Path, StorePath]) -> None:
    """Copy files to objects; raises StoreError when the store refuses us or cannot be reached."""
    _each(list(files.items()), _send)


def _send(store: _Store, pair: tuple[Path, StorePath]) -> None:
    source, target = pair
    store.tell(target, lambda: store.system.put_file(str(source), store.key(target)))


def remove(objects: Iterable[StorePath]) -> None:
    """Remove objects; those that are not there are no error; raises StoreError."""
    _each(list(objects), _remove)


def _remove(store: _Store, where: StorePath) -> None:
    try:
        store.ask(where, lambda: store.system.rm_file(store.key(where)))
    except FileNotFoundError:
        return


def prune(folders: Mapping[StorePath, Path]) -> None:
    """Remove what lies below folders of a store and is not in the folders here; raises StoreError."""
    _each(list(folders.items()), _prune)


def _prune(store: _Store, pair: tuple[StorePath, Path]) -> None:
    folder, here = pair
    for where in below(folder, store):
        if not (here / where.relative_to(folder)).exists():
            _remove(store, where)


def _each(tasks: list[Any], work: Callable[[_Store, Any], None]) -> None:
    """Do tasks of one store, some at once."""
    if not tasks:
        return
    places = tasks[0] if isinstance(tasks[0], tuple) else (tasks[0],)
    store = _Store(next(where for where in places if isinstance(where, StorePath)))
    with ThreadPoolExecutor(min(NUM_AT_ONCE, len(tasks))) as pool:
        for _ in pool.map(lambda task: work(store, task), tasks):
            pass
