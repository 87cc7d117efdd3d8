"""Object stores for tests: one in memory, and a server that speaks S3."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tcae.manifests.stores import StorePath


def put(tree: Path, store: StorePath) -> StorePath:
    """Copy a tree of files into a store."""
    system = fsspec.url_to_fs(str(store))[0]
    for path in sorted(tree.rglob("*")):
        if path.is_file():
            system.pipe_file(f"{store}/{path.relative_to(tree).as_posix()}", path.read_bytes())
    return store


def objects(store: StorePath) -> dict[str, bytes]:
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


@contextmanager
def s3_server() -> Iterator[StorePath]:
    """A server that speaks S3, with made-up credentials and an empty bucket; the environment names it."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    patch = pytest.MonkeyPatch()
    for name, value in credentials(f"http://{host}:{port}").items():
        patch.setenv(name, value)
    try:
        fsspec.filesystem("s3").mkdir("bucket")
        yield StorePath("s3://bucket")
    finally:
        patch.undo()
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


def same_but(rows: list[Any], *columns: str) -> list[dict[str, Any]]:
    """Rows without some columns, to compare."""
    from dataclasses import asdict

    return sorted(
        ({name: value for name, value in asdict(row).items() if name not in columns} for row in rows), key=repr
    )
