"""Object stores for tests: one in memory, and a server that speaks S3."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
import pytest

from tcae.manifests.places import Place
from tcae.manifests.stores import StorePath, below, fetch, find, remove, scan, scan_all, send
from tcae.manifests.workspace import Workspace
from tests.source_builders import grow


def put(tree: Path, store: StorePath) -> StorePath:
    """Copy a tree of files into a store."""
    system = fsspec.url_to_fs(str(store))[0]
    for path in sorted(tree.rglob("*")):
        if path.is_file():
            system.pipe_file(f"{store}/{path.relative_to(tree).as_posix()}", path.read_bytes())
    return store


def same_times(tree: Path, store: StorePath) -> None:
    """Give a tree's files the times of their copies in a store, so that nothing but the place differs."""
    for path in tree.rglob("*"):
        found = find(store / path.relative_to(tree)) if path.is_file() else None
        if found is not None:
            os.utime(path, ns=(found.modified_ns, found.modified_ns))


def brought(store: Place, folder: Path) -> Workspace:
    """A copy of a whole workspace that lies in a store."""
    for name, data in objects(store).items():
        grow(folder, name, data=data)
    return Workspace(folder)


def check_name_in(store: StorePath, name: str, folder: Path) -> None:
    """A name goes to a store and comes back, for files and folders."""
    (folder / "data").write_bytes(name.encode())
    where = store / name / name
    send({folder / "data": where})
    assert [entry.name for entry in scan(store / name)] == [name]
    assert below(store / name) == [where]
    assert list(scan_all(store / name)) == [""]
    fetch({where: folder / "back"})
    assert (folder / "back").read_bytes() == name.encode()
    remove([where])
    assert find(where) is None


def objects(store: Place) -> dict[str, bytes]:
    """Every object below a place, by its name there."""
    system, key = fsspec.url_to_fs(str(store), use_listings_cache=False)
    found = system.find(key) if system.exists(key) else []
    return {str(name).removeprefix(key).lstrip("/"): system.cat_file(name) for name in found}


@contextmanager
def memory() -> Iterator[StorePath]:
    """An empty store in the memory of this process."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield StorePath("memory://bucket")
    system.store.clear()


class Server:
    """A server that speaks S3; what it holds stays when it is stopped."""

    def __init__(self) -> None:
        self._program = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        self._program.start()
        self.host, self.port = self._program.get_host_and_port()
        self.endpoint = f"http://{self.host}:{self.port}"

    def stop(self) -> None:
        """Answer no more."""
        self._program.stop()
        self._program._server.server_close()

    def start(self) -> None:
        """Answer again, at the same address."""
        self._program = type(self._program)(self.host, self.port, verbose=False)
        self._program.start()


@contextmanager
def s3_server() -> Iterator[tuple[Server, StorePath]]:
    """A server and its bucket, which is empty; the environment names it and has made-up credentials."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server, patch = Server(), pytest.MonkeyPatch()
    for name, value in credentials(server.endpoint).items():
        patch.setenv(name, value)
    try:
        system = fsspec.filesystem("s3")
        if system.exists("bucket"):  # of an earlier server of this process
            system.rm("bucket", recursive=True)
        system.mkdir("bucket")
        yield server, StorePath("s3://bucket")
    finally:
        patch.undo()
        type(system).clear_instance_cache()
        server.stop()


def credentials(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "made",
        "AWS_SECRET_ACCESS_KEY": "up",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
