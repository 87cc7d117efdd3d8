"""Damaged files of every kind: no crash, no hang, bounded memory, errors of ours only, and most damage is told.

The long form: ``python -m tests.hostile.fuzz --cases 1000``.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tcae.pipeline.video import ClipTimeoutError
from tests.hostile import mutations
from tests.hostile.children import run_apart
from tests.hostile.verdicts import BROKEN, Verdict, judge, report, share_detected

ROOT = Path(__file__).resolve().parents[2]
LEAST_DETECTED = 0.95


def fuzzed(of: str, cases: int, to: Path) -> list[Verdict]:
    """Verdicts from a process that has no threads, so that it can be forked."""
    command = [sys.executable, "-m", "tests.hostile.fuzz", "--of", of, "--cases", str(cases), "--to", str(to)]
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr.decode()
    return [Verdict(**json.loads(line)) for line in to.read_text().splitlines()]


@pytest.mark.parametrize(("of", "cases"), [("videos", 100), ("files", 200)])
def test_damage_breaks_nothing_and_is_told(of: str, cases: int, tmp_path: Path) -> None:
    verdicts = fuzzed(of, cases, tmp_path / "verdicts.jsonl")
    assert len(verdicts) == cases
    assert [verdict for verdict in verdicts if verdict.verdict in BROKEN] == [], report(verdicts)
    assert {verdict.verdict for verdict in verdicts} >= {"same", "detected"}
    assert share_detected(verdicts) >= LEAST_DETECTED, report(verdicts)


def answer(differs: bool, tells: bool) -> Mapping[str, Any]:
    return {"differs": differs, "tells": tells}


def crash() -> Mapping[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def hang() -> Mapping[str, Any]:
    time.sleep(60)
    return {}


def escape() -> Mapping[str, Any]:
    raise KeyError("a bug")


def refuse() -> Mapping[str, Any]:
    raise ClipTimeoutError("too long")


def hoard() -> Mapping[str, Any]:
    np.ones(40 << 20, np.uint8)
    return answer(differs=False, tells=False)


@pytest.mark.parametrize(
    ("work", "verdict"),
    [
        (crash, "crash"),
        (hang, "hang"),
        (escape, "escaped"),
        (refuse, "detected"),
        (lambda: answer(differs=True, tells=False), "undetected"),
        (lambda: answer(differs=True, tells=True), "detected"),
        (lambda: answer(differs=False, tells=True), "same"),
    ],
    ids=["crash", "hang", "escape", "refuse", "undetected", "detected", "same"],
)
def test_each_way_to_end_has_its_verdict(work: Any, verdict: str, tmp_path: Path) -> None:
    ended = run_apart(work, 1.0, tmp_path / "noise")
    assert judge("case", "kind", ended, most_mb=1e6).verdict == verdict
    assert ended.seconds < 30


def test_memory_is_measured(tmp_path: Path) -> None:
    lean = run_apart(lambda: answer(differs=False, tells=False), 30, tmp_path / "noise")
    greedy = run_apart(hoard, 30, tmp_path / "noise")
    assert 30 < greedy.peak_mb - lean.peak_mb < 60
    assert judge("case", "kind", greedy, most_mb=lean.peak_mb + 10).verdict == "memory"


def test_an_escape_is_told_with_its_traceback(tmp_path: Path) -> None:
    assert "KeyError: 'a bug'" in run_apart(escape, 30, tmp_path / "noise").said


def test_the_numbers_of_headers_are_found() -> None:
    atoms = b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x18moov\0\0\0\x10mvhd\0\0\0\1\0\0\0\2"
    assert [(field.name, field.start) for field in mutations.fields_of(atoms)] == [
        ("size of ftyp", 0),
        ("ftyp", 8),
        ("ftyp", 12),
        ("size of moov", 16),
        ("size of mvhd", 24),
        ("mvhd", 32),
        ("mvhd", 36),
    ]
    elements = b"\x1a\x45\xdf\xa3\x80" + b"\x18\x53\x80\x67\x84" + b"\xae\x82" + b"\xb3\x80"
    assert [field.name for field in mutations.fields_of(elements)] == [
        "size of 1A45DFA3",
        "1A45DFA3",
        "size of 18538067",
        "size of AE",
        "size of B3",
        "B3",
    ]
