"""A folder of this machine that mirrors a place in a store, and the tables of a workspace that lies there.

On a disk there is nothing to bring, and ``bring`` and ``mirrored`` do nothing.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tcae.manifests.locks import Patience, held
from tcae.manifests.stores import StorePath, below, fetch, prune, remove, send
from tcae.manifests.workspace import Workspace

BRINGING_SECONDS = 3600.0
"""How long another command of this machine may take to list a large source."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A folder here and what it mirrors; all methods raise StoreError."""

    here: Path
    there: StorePath

    def of(self, path: Path) -> StorePath:
        """Where in the store a file or folder of ours belongs."""
        return self.there / path.relative_to(self.here)

    def fetch(self, paths: Iterable[Path]) -> None:
        """Make files what they are in the store; those that it lacks are removed."""
        fetch({self.of(path): path for path in paths})

    def put(self, paths: Iterable[Path]) -> None:
        """Make the store's files what they are here; those that we lack are removed."""
        paths = list(paths)
        remove(self.of(path) for path in paths if not path.exists())
        send({path: self.of(path) for path in paths if path.exists()})

    def prune(self, folders: Iterable[Path]) -> None:
        """Remove from the store what these folders no longer have."""
        prune({self.of(folder): folder for folder in folders})


def bring(workspace: Workspace, *tables: str) -> None:
    """Make tables in the scratch what they are in the store.

    Raises:
        StoreError: the store refuses us, or cannot be reached.
    """
    if workspace.store is None:
        return
    mirror = Mirror(workspace.root, workspace.store)
    for table in tables:
        folder = workspace.manifest(table)
        there = [folder / where.relative_to(mirror.of(folder)) for where in below(mirror.of(folder))]
        mirror.fetch({*there, *_files(folder)})


@contextmanager
def mirrored(
    workspace: Workspace,
    reads: Sequence[str],
    writes: Sequence[str] = (),
    tell: Callable[[str], None] = lambda who: None,
) -> Iterator[None]:
    """Bring tables, and put into the store what the block writes; one command of a machine at a time.

    Args:
        workspace: In a store, or nothing is done.
        reads: Tables that the block reads.
        writes: Tables that it writes, in the order in which they go to the store; those that it does not read as well
            are written anew.
        tell: Called with who holds the tables, where they are waited for.

    Raises:
        StoreError: the store refuses us, or cannot be reached.
        WorkspaceError: another command has held the tables for an hour.
    """
    if workspace.store is None:
        yield
        return
    patience = Patience(seconds=BRINGING_SECONDS, tell=tell)
    with held(workspace.lock("tables", 0), f"the scratch of {workspace}", patience):
        for table in set(writes).difference(reads):
            shutil.rmtree(workspace.manifest(table), ignore_errors=True)
        bring(workspace, *reads)
        before = {table: _states(workspace.manifest(table)) for table in writes}
        yield
        for table in writes:
            _put_back(Mirror(workspace.root, workspace.store), workspace.manifest(table), before[table])


def _put_back(mirror: Mirror, folder: Path, before: dict[Path, tuple[int, int]]) -> None:
    """Put what has changed; a record (no ``.parquet``) speaks of all parts: it goes first, and comes last."""
    now = _states(folder)
    changed = [path for path in now if now[path] != before.get(path)]
    records = [path for path in changed if path.suffix != ".parquet"]
    remove(map(mirror.of, records))
    mirror.put(path for path in changed if path not in records)
    mirror.prune([folder])
    mirror.put(records)


def _states(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in _files(folder)}


def _files(folder: Path) -> list[Path]:
    """Every file below a folder but those that are being written."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")
