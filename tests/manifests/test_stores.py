"""What is asked of a store is answered, tried again or refused in one line."""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tcae.manifests import stores
from tcae.manifests.errors import ConfigError, MissingToolError
from tcae.manifests.stores import RefusedError, StoreError, StorePath, below, fetch, find, remove, scan, send
from tests.store_builders import check_name_in, memory, objects


@pytest.fixture
def bucket() -> Iterator[StorePath]:
    with memory() as store:
        yield store


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Make a method of the store raise so many times before it works; gives the calls."""
    monkeypatch.setattr(stores, "WAITS_SECONDS", (0.0, 0.0))

    def install(method: str, error: Exception, times: int) -> list[int]:
        real, calls = getattr(MemoryFileSystem, method), list[int]()

        def flaky(self: Any, *args: Any, **options: Any) -> Any:
            calls.append(1)
            if len(calls) <= times:
                raise error
            return real(self, *args, **options)

        monkeypatch.setattr(MemoryFileSystem, method, flaky)
        return calls

    return install


def test_the_text_of_a_place_is_its_url_and_its_parents_are_places() -> None:
    where = StorePath("s3://bucket/a b") / "c.mp4"
    assert (str(where), where.name, str(where.parent.parent)) == ("s3://bucket/a b/c.mp4", "c.mp4", "s3://bucket")
    assert pickle.loads(pickle.dumps(where)) == where == StorePath(str(where))
    assert str(pickle.loads(pickle.dumps(where))) == str(where)
    assert where.absolute() is where


def test_what_was_sent_is_found_listed_and_fetched(bucket: StorePath, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"123")
    send({tmp_path / "a": bucket / "x" / "a", tmp_path / "b": bucket / "x" / "y" / "b"})
    assert objects(bucket) == {"x/a": b"123", "x/y/b": b"123"}
    assert [(entry.name, entry.is_folder, entry.num_bytes) for entry in sorted(scan(bucket / "x"))] == [
        ("a", False, 3),
        ("y", True, 0),
    ]
    found = find(bucket / "x" / "a")
    assert found is not None
    assert found.modified_ns > 1.7e18
    assert sorted(below(bucket)) == [bucket / "x" / "a", bucket / "x" / "y" / "b"]
    fetch({bucket / "x" / "a": tmp_path / "new" / "a"})
    assert (tmp_path / "new" / "a").read_bytes() == b"123"


@pytest.mark.parametrize("name", ["a::b", "a?b", "a#b", "a%20b", "a b", "a*", "[a]", "ä\u0301", "a~", "a&b=c", "{a}"])
def test_any_name_is_only_a_name(name: str, bucket: StorePath, tmp_path: Path) -> None:
    check_name_in(bucket, name, tmp_path)


def test_what_is_missing_is_none_empty_or_no_file(bucket: StorePath, tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"of an earlier run")
    fetch({bucket / "gone": tmp_path / "old"})
    assert list(tmp_path.iterdir()) == []
    assert find(bucket / "gone") is None
    assert find(StorePath("memory://")) is None
    assert below(bucket / "gone") == []
    remove([bucket / "gone"])
    with pytest.raises(FileNotFoundError):
        scan(bucket / "gone")


def test_a_sign_is_put_seen_and_taken_away(bucket: StorePath) -> None:
    sign = bucket / "signs" / "stop"
    sign.parent.mkdir()
    assert not sign.exists()
    sign.touch()
    assert sign.exists()
    sign.unlink()
    assert not sign.exists()
    sign.unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError, match="stop"):
        sign.unlink()


def test_a_failure_that_passes_is_not_noticed(
    bucket: StorePath, tmp_path: Path, fails: Callable[..., list[int]]
) -> None:
    (bucket / "a").touch()
    calls = fails("get_file", ConnectionResetError("by peer"), 2)
    fetch({bucket / "a": tmp_path / "a"})
    assert (tmp_path / "a").exists()
    assert len(calls) == 3


def test_a_failure_that_stays_is_one_line(bucket: StorePath, tmp_path: Path, fails: Callable[..., list[int]]) -> None:
    (bucket / "a").touch()
    fails("get_file", ConnectionResetError("by peer\nand more"), 9)
    with pytest.raises(StoreError, match=r"not give or take memory://bucket/a \(ConnectionResetError: by peer\); when"):
        fetch({bucket / "a": tmp_path / "a"})
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_is_not_tried_again(bucket: StorePath, fails: Callable[..., list[int]]) -> None:
    calls = fails("info", PermissionError("Forbidden"), 9)
    with pytest.raises(RefusedError, match=r"refuses memory://bucket/a \(Forbidden\); look at the credentials"):
        find(bucket / "a")
    assert len(calls) == 1


def test_a_download_that_broke_off_is_taken_again(
    bucket: StorePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "WAITS_SECONDS", (0.0,))
    (tmp_path / "a").write_bytes(b"12345")
    send({tmp_path / "a": bucket / "a"})
    real, lengths = MemoryFileSystem.get_file, [2, 5]

    def cut(self: MemoryFileSystem, source: str, target: str, callback: Any) -> None:
        real(self, source, target, callback=callback)
        Path(target).write_bytes(Path(target).read_bytes()[: lengths.pop(0)])

    monkeypatch.setattr(MemoryFileSystem, "get_file", cut)
    fetch({bucket / "a": tmp_path / "b"})
    assert (tmp_path / "b").read_bytes() == b"12345"
    lengths[:] = [2, 4]
    with pytest.raises(StoreError, match="broke off after 4 of 5 bytes"):
        fetch({bucket / "a": tmp_path / "c"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"s9://bucket cannot be used \(Protocol not known: s9\); a URL is for"):
        find(StorePath("s9://bucket"))


@pytest.mark.parametrize(
    ("url", "said", "wanted"),
    [
        ("s3://bucket", "Install s3fs to access S3", r"s3://bucket needs a library .*: pip install tcae\[s3\]"),
        ("gs://bucket", "Please install gcsfs", r"gs://bucket needs a library .*: Please install gcsfs"),
    ],
)
def test_a_library_that_is_missing_is_named(url: str, said: str, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(url: str, **options: Any) -> Any:
        raise ImportError(said)

    monkeypatch.setattr("fsspec.url_to_fs", missing)
    with pytest.raises(MissingToolError, match=wanted):
        find(StorePath(url))
