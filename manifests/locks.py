"""One writer at a time: a lock on a file, and beside it a note that tells the others who holds it."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from tcae.manifests.errors import WorkspaceError

LOCK_SECONDS = 15.0
"""How long a lock is waited for; a killed command's processes need a moment to go."""
UNTOLD_SECONDS = 1.0
"""Shorter waits are told to nobody; by then the holder has noted who it is."""
PATIENT_POLL_SECONDS = 1.0
"""How often a lock that is waited for with patience is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How to wait for work that another command does for us all."""

    seconds: float
    """How long."""
    tell: Callable[[str], None]
    """Called once, with who holds the lock, where it is not free."""


class Holder:
    """The note of a lock's holder; one that was killed leaves it behind, with what it worked on."""

    def __init__(self, lock: Path) -> None:
        self._path = lock.with_suffix(".holder")
        self.found = ""
        """What the holder before us was doing when it was killed; empty where it ended well."""

    def take(self) -> None:
        """Put our note in the place of one that a killed holder left, and keep what that one was doing.

        Raises:
            WorkspaceError: the disk is full.
        """
        self.found = self.read().partition(", ")[2]
        self.note(self.found)

    def note(self, doing: str = "") -> None:
        """Write down who holds the lock and what it is doing.

        Raises:
            WorkspaceError: the disk is full.
        """
        who = f"process {os.getpid()} on {socket.gethostname()}"
        line = f"{who}, {doing}\n" if doing else f"{who}\n"
        try:
            # over the last note, whose rest does not matter: some disks take milliseconds to empty a file first
            note = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o666)
            try:
                os.write(note, line.encode())
            finally:
                os.close(note)
        except OSError as error:
            raise WorkspaceError(f"cannot write {self._path}: {error.strerror}") from error

    def read(self) -> str:
        """The last note; empty where there is none."""
        try:
            return self._path.read_text(errors="replace").partition("\n")[0]
        except OSError:
            return ""

    def remove(self) -> None:
        """Take the note away."""
        with suppress(OSError):
            self._path.unlink()


@contextmanager
def held(path: Path, what: str, patience: Patience | None = None) -> Iterator[Holder]:
    """Hold a lock while the block runs, and note who does.

    Args:
        path: The lock's file; its folder is made.
        what: What it protects, for the message.
        patience: Waits longer than ``LOCK_SECONDS``.

    Raises:
        WorkspaceError: another command holds it, or the folder cannot be written or locked.
    """
    holder = Holder(path)

    def taken() -> str:
        return f"{what} is held by {holder.read() or 'another command'}; wait for it to end, or stop it"

    with locked(path, path, taken, patience):
        try:
            holder.take()
            yield holder
        finally:
            holder.remove()


@contextmanager
def locked(path: Path, place: Path, taken: Callable[[], str], patience: Patience | None = None) -> Iterator[None]:
    """Hold a lock while the block runs; the system lets go of a killed process's locks.

    Args:
        path: The lock's file; its folder is made.
        place: What a message says cannot be written or locked.
        taken: Gives the message where another holds it.
        patience: Waits longer than ``LOCK_SECONDS``.

    Raises:
        WorkspaceError: another holds it, or the folder cannot be written or locked.
    """
    lock = FileLock(path, timeout=LOCK_SECONDS)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if patience is None:
            lock.acquire()
        else:
            _acquire_patiently(lock, taken, patience)
    except Timeout as error:
        raise WorkspaceError(taken()) from error
    except OSError as error:
        raise WorkspaceError(f"cannot write {place}: {error.strerror}") from error
    except NotImplementedError as error:
        raise WorkspaceError(f"the file system of {place} has no file locks; put the workspace on another") from error
    try:
        yield
    finally:
        lock.release()


def _acquire_patiently(lock: FileLock, taken: Callable[[], str], patience: Patience) -> None:
    try:
        lock.acquire(timeout=UNTOLD_SECONDS, poll_interval=PATIENT_POLL_SECONDS)
    except Timeout:
        patience.tell(taken())
        lock.acquire(timeout=patience.seconds, poll_interval=PATIENT_POLL_SECONDS)
