"""Metrics are rows that survive a resume, and TensorBoard sees the same."""

import errno
import math
import os
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]
from torch.utils.tensorboard import SummaryWriter

from tcae.manifests.errors import ManifestError, WorkspaceError
from tcae.manifests.tables import read_table, rows_of
from tcae.manifests.workspace import Workspace
from tcae.model.training.metrics import Metric, MetricsLog
from tcae.model.training.runs import RunFolder, run_folder

Rows = dict[tuple[int, str, str], float]


@pytest.fixture
def folder(workspace: Workspace) -> RunFolder:
    return run_folder(workspace, "tiny")


def written(folder: RunFolder) -> list[Metric]:
    return rows_of(read_table(folder.metrics, Metric), Metric)


def values(folder: RunFolder) -> Rows:
    return {(row.step, row.split, row.name): row.value for row in written(folder)}


def curve(folder: RunFolder, tag: str) -> list[tuple[int, float]]:
    """A curve as TensorBoard shows it."""
    events = EventAccumulator(str(folder.tensorboard), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]


@pytest.fixture
def killed(folder: RunFolder) -> RunFolder:
    """Trained to step 30, though the last checkpoint is of step 20."""
    log = MetricsLog(folder, None)
    for step in (10, 20, 30):
        log.add(step, "train", {"loss": step / 2})
    log.add(20, "val", {"loss": 7.0})
    log.close()
    (events,) = folder.tensorboard.iterdir()
    prefix, _, rest = events.name.partition("tfevents.")
    events.rename(events.with_name(f"{prefix}tfevents.0000000001.{rest.partition('.')[2]}"))  # long ago
    return folder


def test_each_name_of_a_step_and_split_is_a_row(folder: RunFolder) -> None:
    log = MetricsLog(folder, None)
    log.add(10, "train", {"loss": 2.5, "lr": 1e-3})
    log.add(10, "val", {"loss": 3})
    log.flush()
    assert values(folder) == {(10, "train", "loss"): 2.5, (10, "train", "lr"): 1e-3, (10, "val", "loss"): 3.0}
    log.add(20, "train", {"loss": math.nan, "worst": math.inf})
    log.close()
    assert math.isnan(values(folder)[20, "train", "loss"])
    assert values(folder)[20, "train", "worst"] == math.inf
    assert [entry.name for entry in folder.path.iterdir() if entry.is_file()] == ["metrics.parquet"]


def test_the_same_name_once_more_replaces_its_value(folder: RunFolder) -> None:
    log = MetricsLog(folder, None)
    log.add(10, "val", {"loss": 3.0})
    log.add(10, "val", {"loss": 4.0})
    log.close()
    assert values(folder) == {(10, "val", "loss"): 4.0}


def test_a_resumed_run_forgets_what_came_after_its_checkpoint(killed: RunFolder) -> None:
    log = MetricsLog(killed, 20)
    log.add(30, "train", {"loss": 99.0})
    log.close()
    assert values(killed) == {
        (10, "train", "loss"): 5.0,
        (20, "train", "loss"): 10.0,
        (20, "val", "loss"): 7.0,
        (30, "train", "loss"): 99.0,
    }
    assert curve(killed, "train/loss") == [(10, 5.0), (20, 10.0), (30, 99.0)]
    assert curve(killed, "val/loss") == [(20, 7.0)]


def test_a_run_that_begins_anew_forgets_all(killed: RunFolder) -> None:
    log = MetricsLog(killed, None)
    log.add(10, "train", {"loss": 99.0})
    log.close()
    assert values(killed) == {(10, "train", "loss"): 99.0}
    assert curve(killed, "train/loss") == [(10, 99.0)]


def test_the_clock_goes_on_where_the_call_before_stopped(killed: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcae.model.training.metrics.time.monotonic", iter([100.0, 107.0, 109.0]).__next__)
    before = max(row.seconds for row in written(killed) if row.step <= 20)
    log = MetricsLog(killed, 20)
    log.add(30, "train", {"loss": 1.0})
    log.add(40, "train", {"loss": 1.0})
    log.flush()
    seconds = {row.step: row.seconds for row in written(killed)}
    assert (seconds[30] - before, seconds[40] - before) == pytest.approx((7.0, 9.0))
    monkeypatch.undo()
    log.close()


def test_a_log_without_an_older_one_resumes_empty(folder: RunFolder) -> None:
    log = MetricsLog(folder, 20)
    log.close()
    assert written(folder) == []


def test_a_damaged_older_log_is_named(killed: RunFolder) -> None:
    killed.metrics.write_bytes(killed.metrics.read_bytes()[:-9])
    with pytest.raises(ManifestError, match=r"metrics\.parquet is not a readable Parquet table"):
        MetricsLog(killed, 20)


def test_a_picture_stands_beside_the_curves(folder: RunFolder) -> None:
    log = MetricsLog(folder, None)
    log.picture(10, "samples", np.full((4, 6, 3), (255, 0, 0), np.uint8))
    log.close()
    events = EventAccumulator(str(folder.tensorboard), size_guidance={"images": 0})
    events.Reload()
    (shown,) = events.Images("samples")
    assert (shown.step, shown.height, shown.width) == (10, 4, 6)


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_named_and_keeps_the_old_rows(killed: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    log = MetricsLog(killed, 30)
    log.add(40, "train", {"loss": 1.0})
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(WorkspaceError, match=r"cannot write .*metrics\.parquet: No space left on device"):
            log.flush()
    assert max(row.step for row in written(killed)) == 30
    with monkeypatch.context() as patched:
        patched.setattr(SummaryWriter, "add_scalar", full)
        with pytest.raises(WorkspaceError, match=r"cannot write .*tensorboard: No space left on device"):
            log.add(50, "train", {"loss": 1.0})
    log.close()
    log.close()
    assert max(row.step for row in written(killed)) == 50


def test_a_folder_of_events_that_cannot_be_made_is_named(folder: RunFolder, tmp_path: Path) -> None:
    folder.path.mkdir(parents=True)
    folder.tensorboard.write_text("a file")
    with pytest.raises(WorkspaceError, match=r"cannot write .*tensorboard: "):
        MetricsLog(folder, None)
