"""What is wrong with one clip costs that clip one clear row; what is wrong with the request costs one clear line."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from numpy.typing import NDArray

from tcae.manifests.workspace import Workspace
from tcae.pipeline import pictures
from tests.clips import (
    flip_bytes,
    numbered,
    read_number,
    set_matrix,
    truncate,
    write_clip,
    write_sound,
)
from tests.source_builders import as_nobody, grow, open_folder
from tests.stage_builders import call, fake_detector, files, frames, listed, read


def noisy(number: int) -> NDArray[np.uint8]:
    """A picture that needs many bytes, so that damage hits pictures and not their frame."""
    noise = np.random.default_rng(number).integers(0, 60, (256, 256, 3), dtype=np.uint8)
    return noise + numbered(number, 256, 256) // 2


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One video of everything that can be wrong with a file, and clips that are only unusual."""
    root = tmp_path_factory.mktemp("source")
    folder = root / "id1" / "v1"
    folder.mkdir(parents=True)
    plain = write_clip(folder / "good.mp4", 30)
    whole = write_clip(root / "whole.bin.mp4", 60, draw=noisy)
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("hello world\n" * 500)
    truncate(plain, folder / "truncated.mp4", 0.5)
    flip_bytes(whole, folder / "flipped.mp4", 400)
    write_sound(root / "sound.m4a").rename(folder / "sound.mp4")
    _without_size(folder / "no_size.avi")
    (folder / "folder.mp4").mkdir()
    (folder / "loop.mp4").symlink_to("loop.mp4")
    (folder / "dangling.mp4").symlink_to("nowhere.mp4")
    os.mkfifo(folder / "pipe.mp4")
    write_clip(folder / "8k.avi", 1, codec="mpeg4", draw=lambda _: np.zeros((4320, 7680, 3), np.uint8))
    write_clip(folder / "ten_bit.mp4", 2, pix_fmt="yuv420p10le")
    write_clip(folder / "grey.mp4", 2, pix_fmt="gray")
    write_clip(
        folder / "hevc.mp4",
        2,
        codec="libx265",
        options={"x265-params": "log-level=none:bframes=0:pools=none:frame-threads=1"},
    )
    write_clip(folder / "one.mp4", 1)
    set_matrix(write_clip(root / "upright.bin.mp4", 2), folder / "rotated.mp4", (0, 1, -1, 0))
    shutil.copy(plain, folder / os.fsdecode(b"\xff\xfe.mp4"))
    shutil.copy(plain, folder / "new\nline.mp4")
    shutil.copy(plain, folder / "<b>&amp; 'two' \"words\".mp4")
    for name in ("whole.bin.mp4", "upright.bin.mp4"):
        (root / name).unlink()
    return root


def _without_size(path: Path) -> None:
    """An AVI file whose header says 0x0."""
    data = bytearray(write_clip(path, 3, codec="rawvideo", pix_fmt="yuv420p").read_bytes())
    begin = data.index(b"strf") + 8 + 4
    data[begin : begin + 8] = bytes(8)
    path.write_bytes(data)


REJECTED = {
    "empty": ("empty", "empty.mp4 has zero bytes"),
    "text": ("decode", "text.mp4 is not a video"),
    "truncated": ("decode", "truncated.mp4 is not a video"),
    "sound": ("no_video", "none of them is video"),
    "no_size": ("decode", "no_size.avi"),
    "folder": ("not_a_file", "folder.mp4 is a folder, not a video file"),
    "loop": ("unreadable", "the link loop.mp4 cannot be reached"),
    "dangling": ("unreadable", "the link dangling.mp4 cannot be reached"),
    "pipe": ("not_a_file", "pipe.mp4 is a pipe or a device"),
    r"\xff\xfe": ("name", "bytes that are not UTF-8"),
    r"new\x0aline": ("name", "control characters"),
}
ORDINARY = {"good": 2, "flipped": 3, "8k": 1, "ten_bit": 1, "grey": 1, "hevc": 1, "one": 1, "rotated": 1, "<b>": 2}


def one_line(result: Result, text: str) -> None:
    """The command ended with one line that starts with Error and holds a text, and says 1."""
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert len(lines) == 1, result.stderr
    assert text in lines[0]
    assert "Traceback" not in result.output


def test_every_bad_file_has_one_row_that_says_why_and_all_others_are_made(workspace: Workspace, source: Path) -> None:
    result = call("extract", "--root", workspace.root, "--source", source, "--workers", 0)
    assert result.exit_code == 0, result.stderr
    names = {clip.key: clip.name for clip in read(workspace, "clips")}
    of_clip: dict[str, list[object]] = {}
    for row in frames(workspace):
        of_clip.setdefault(names[row.key], []).append(row.reason or row.file)
        if row.reason:
            (found,) = [name for name in REJECTED if names[row.key].startswith(name)]
            assert (row.reason, REJECTED[found][1] in str(row.detail)) == (REJECTED[found][0], True), row
            assert "\n" not in str(row.detail)
    made = {name: len(rows) for name, rows in of_clip.items() if not any(name.startswith(bad) for bad in REJECTED)}
    assert {name[: name.find(".")] if name[0] != "<" else "<b>": number for name, number in made.items()} == ORDINARY
    assert len(of_clip) == len(REJECTED) + len(ORDINARY)
    assert f"{len(of_clip)} clips in = {len(made)} with frames + {len(REJECTED)} rejected (" in result.stdout
    assert call("verify", "--root", workspace.root).exit_code == 0


def test_what_was_wrong_inside_a_clip_is_counted(workspace: Workspace, source: Path) -> None:
    call("extract", "--root", workspace.root, "--source", source, "--workers", 0)
    names = {clip.key: clip.name for clip in read(workspace, "clips")}
    damage = {names[row.key]: row.num_decode_errors for row in frames(workspace)}
    assert damage["flipped.mp4"]
    assert damage["good.mp4"] == 0
    sizes = {names[row.key]: (row.width_px, row.height_px) for row in frames(workspace)}
    assert (sizes["rotated.mp4"], sizes["8k.avi"]) == ((64, 96), (7680, 4320))
    (grey,) = [row for row in frames(workspace) if names[row.key] == "grey.mp4"]
    assert read_number(pictures.read(workspace.root / str(grey.file))) == 0


def test_names_that_look_like_markup_stay_text_in_the_report(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_detector(monkeypatch)
    name = "<img src=x onerror=alert(1)>"
    folder = tmp_path / "source" / name / "[bold]&lt;"
    folder.mkdir(parents=True)
    write_clip(folder / "{{7*7}}.mp4", 30)
    result = call("run", "--root", workspace.root, "--source", tmp_path / "source", "--device", "cpu", "--workers", 0)
    assert "2 frames in = 2 faces + 0 rejected" in result.stdout
    for command in ("split", "status", "verify", "report"):
        assert call(command, "--root", workspace.root).exit_code == 0
    page = (workspace.root / "report.html").read_text()
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


@pytest.fixture
def common_folder() -> Iterator[Path]:
    with open_folder() as folder:
        folder.chmod(0o777)
        yield folder


def test_a_forbidden_file_is_one_rejection(common_folder: Path) -> None:
    folder = common_folder / "source" / "id1" / "v1"
    folder.mkdir(parents=True)
    write_clip(folder / "open.mp4", 30)
    write_clip(folder / "secret.mp4", 30).chmod(0)
    (common_folder / "source" / "id2").mkdir(mode=0)
    with as_nobody():
        result = call("extract", "--root", common_folder / "w", "--source", common_folder / "source", "--workers", 0)
    assert result.exit_code == 0
    rows = frames(Workspace(common_folder / "w"))
    assert [row.reason for row in rows].count("unreadable") == 2
    assert any("secret.mp4 cannot be opened: Permission denied" in str(row.detail) for row in rows)
    assert sum(row.reason is None for row in rows) == 2


@pytest.mark.parametrize("command", ["extract", "align", "run", "split", "report"])
def test_a_read_only_workspace_is_said_in_one_line(
    command: str, common_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_detector(monkeypatch)
    workspace = Workspace(common_folder / "w")
    folder = common_folder / "source" / "id1" / "v1"
    folder.mkdir(parents=True)
    write_clip(folder / "a.mp4", 30)
    listed(workspace, common_folder / "source")
    made_by = ("run", "--device", "cpu") if command in ("split", "report") else ("extract",)
    call(*made_by, "--root", workspace.root, "--workers", 0)
    options = {"extract": ["--workers", 0], "align": ["--workers", 0, "--device", "cpu"]}
    options["run"] = options["align"]
    for name in (command, "status", "verify"):
        call(name, "--help")  # imports what root may read only
    for path in [workspace.root, *workspace.root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    (folder / "b.mp4").write_bytes((folder / "a.mp4").read_bytes())
    before = {path: path.stat().st_mtime_ns for path in workspace.root.rglob("*")}
    with as_nobody():
        one_line(call(command, "--root", workspace.root, *options.get(command, [])), "cannot write")
        assert call("status", "--root", workspace.root).exit_code == 0
        assert call("verify", "--root", workspace.root).exit_code == 0
    assert before == {path: path.stat().st_mtime_ns for path in workspace.root.rglob("*")}
    for path in [workspace.root, *workspace.root.rglob("*")]:
        path.chmod(0o755)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 160 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(folder)]
    if os.geteuid() or shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_said_in_one_line_and_the_same_command_goes_on(small_disk: Path, tmp_path: Path) -> None:
    for number in range(4):
        folder = tmp_path / "source" / f"id{number}" / "v1"
        folder.mkdir(parents=True)
        write_clip(folder / "a.mp4", 30)
    args = ("--source", tmp_path / "source", "--workers", 0, "--fps", 10, "--format", "png")
    one_line(call("extract", "--root", small_disk / "w", *args), "No space left on device")
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    assert call("extract", "--root", small_disk / "w", *args).exit_code == 0
    assert call("extract", "--root", tmp_path / "w", *args).exit_code == 0
    found, wanted = Workspace(small_disk / "w"), Workspace(tmp_path / "w")
    assert frames(found) == frames(wanted)
    assert files(found, "frames") == files(wanted, "frames")
    assert call("verify", "--root", small_disk / "w").exit_code == 0


def test_a_file_that_cannot_grow_is_said_in_one_line(workspace: Workspace, tmp_path: Path) -> None:
    """What a quota or ``ulimit -f`` does."""
    import resource

    folder = tmp_path / "source" / "id1" / "v1"
    folder.mkdir(parents=True)
    write_clip(folder / "a.mp4", 30, draw=noisy)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, before[1]))
    try:
        result = call("extract", "--root", workspace.root, "--source", tmp_path / "source", "--format", "png")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    one_line(result, "File too large")


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("extract", "--source", "nowhere"), "nowhere (No such file or directory); name the folder"),
        (("extract",), "there is no"),
        (("extract", "--source", "a_file"), "is a file; --source takes the folder"),
        (("extract", "--source", "empty"), "no clip was found in"),
        (("extract", "--source", "empty", "--source", "empty"), "are the same folder; name it once"),
        (("extract", "--source", "good", "--ids", ".."), "no such identities: ..; 1 are there"),
        (("extract", "--source", "good", "--ids", ""), "no such identities: "),
        (("extract", "--source", "good", "--limit", "0"), "--limit must be at least 1, got 0"),
        (("extract", "--source", "good", "--workers", "-1"), "--workers must be at least 0, got -1"),
        (("extract", "--source", "good", "--fps", "0"), "fps must be greater than 0"),
        (("extract", "--source", "good", "--fps", "nan"), "fps must be a number like 1"),
        (("extract", "--source", "good", "--timeout", "0"), "timeout_seconds must be greater than 0"),
        (("extract", "--source", "good", "--scheduler", "host"), "an address such as tcp://host:8786"),
        (("run", "--source", "good", "--margin", "9"), "margin"),
        (("run", "--source", "good", "--device", "tpu"), "it must be auto, cpu, cuda or cuda:N"),
        (("align", "--min-face", "3"), "at least 12 pixels"),
        (("align", "--device", "cpu"), "has no frames yet; run `tcae-prep extract` first"),
        (("split",), "tcae-prep"),
        (("report",), "tcae-prep extract"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_request_is_one_line(
    args: tuple[str, ...], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TCAE_ROOT", raising=False)
    grow(tmp_path, "a_file", "empty/", "good/id1/v1/a.mp4")
    one_line(call(*args), text)


@pytest.mark.parametrize(
    "args",
    [
        ("extract", "--fpss", "1"),
        ("extract", "--limit", "some"),
        ("align", "--template", "mine"),
        ("extract", "--layout", "none"),
        ("fly",),
        ("extract", "surplus"),
    ],
    ids=" ".join,
)
def test_a_mistyped_command_is_explained_and_says_2(args: tuple[str, ...]) -> None:
    result = call(*args)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr
    assert "Traceback" not in result.output


def test_a_workspace_that_is_a_file_is_said_in_one_line(tmp_path: Path) -> None:
    grow(tmp_path, "file", "source/id1/v1/a.mp4")
    one_line(call("extract", "--root", tmp_path / "file", "--source", tmp_path / "source"), "is not a folder")


@pytest.mark.parametrize("table", ["clips", "frames"])
@pytest.mark.parametrize("data", [b"", b"PAR1 but cut short"], ids=["empty", "cut"])
def test_a_damaged_table_is_named_and_nothing_is_lost(
    table: str, data: bytes, workspace: Workspace, tmp_path: Path
) -> None:
    folder = tmp_path / "source" / "id1" / "v1"
    folder.mkdir(parents=True)
    write_clip(folder / "a.mp4", 30)
    args = ("extract", "--root", workspace.root, "--source", tmp_path / "source", "--workers", 0)
    assert call(*args).exit_code == 0
    (path,) = workspace.manifest(table).glob("*.parquet")
    path.write_bytes(data)
    one_line(call(*args), f"{path} is not a readable Parquet table")
    assert path.read_bytes() == data


def test_a_dry_run_writes_nothing_and_fits_small_sizes(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "source" / "id1" / "v1"
    folder.mkdir(parents=True)
    write_clip(folder / "a.mp4", 50)
    write_clip(folder / "b.mp4", 50)
    args = ("extract", "--root", workspace.root, "--source", tmp_path / "source", "--dry-run")
    assert call(*args).stdout.startswith("2 clips (0 refused), 4.0 seconds of video; expect 4 files in ")
    assert call(*args, "--limit", 1).stdout.startswith("1 clips (0 refused), 2.0 seconds")
    assert not workspace.root.exists()


def test_frames_and_faces_are_chosen_by_ids_and_limit(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_detector(monkeypatch)
    for name in ("id1/v1/a", "id1/v1/b", "id2/v1/a"):
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        write_clip(tmp_path / "source" / f"{name}.mp4", 10)
    args = ("--root", workspace.root, "--workers", 0)
    made = call("extract", *args, "--source", tmp_path / "source", "--ids", "id2, id1", "--limit", 2)
    assert "2 clips in = 2 with frames" in made.stdout
    assert "1 clips made now, 2 found made" in call("extract", *args, "--source", tmp_path / "source").stdout
    assert "1 clips made now" in call("align", *args, "--device", "cpu", "--ids", "id2").stdout
    assert {row.identity for row in read(workspace, "faces")} == {"id2"}


def test_rejected_clips_are_taken_again_on_demand(workspace: Workspace, tmp_path: Path) -> None:
    source = grow(tmp_path / "source", "id1/v1/a.mp4", "id1/v1/b.mp4", data=b"no video at all")
    args = ("extract", "--root", workspace.root, "--source", source, "--workers", 0)
    for more, made in [((), 2), ((), 0), (("--retry-failed", "timeout"), 0), (("--retry-failed",), 2)]:
        assert f"{made} clips made now" in call(*args, *more).stdout
