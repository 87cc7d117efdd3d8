"""Where stderr is no terminal, a running stage says little, in whole lines."""

from collections import Counter

import pytest

from tcae.cli.progress import watched
from tcae.pipeline.runner import Crew
from tcae.pipeline.stages.base import Tally
from tcae.pipeline.stages.planning import JobPlan

CREW = Crew(num=2, bound="cores")


def plan(num_todo: int, num_stale: int = 0) -> JobPlan:
    return JobPlan(sizes={1: num_todo} if num_todo else {}, num_stale=num_stale, made=Tally())


def tally(made: int, num_frames: int = 0, num_rejected: int = 0) -> Tally:
    done, rejected = Counter(frames=num_frames), Counter({("frames", "decode"): num_rejected})
    return Tally(clips=made, made=made, done=done, rejected=rejected)


@pytest.mark.parametrize(
    ("what", "line"),
    [
        (plan(1200), "extract: 1,200 clips to do; 2 worker(s), bounded by cores\n"),
        (
            plan(9, 4),
            "extract: 9 clips to do, 4 of them made before with other options or from other files; "
            "2 worker(s), bounded by cores\n",
        ),
        (plan(0), "extract: 0 clips to do\n"),
    ],
)
def test_the_plan_is_one_line(what: JobPlan, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with watched("extract") as watch:
        watch.on_plan(what, CREW)
    assert capsys.readouterr() == ("", line)


def test_nothing_more_is_said_of_a_quick_run(capsys: pytest.CaptureFixture[str]) -> None:
    with watched("extract") as watch:
        watch.on_plan(plan(9), CREW)
        watch.on_tally(tally(9, 20, 1))
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_long_run_says_how_far_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, *[100.0] * 3, *[200.0] * 3])
    monkeypatch.setattr("tcae.cli.progress.time.monotonic", lambda: next(clock))
    with watched("extract") as watch:
        watch.on_plan(plan(9), CREW)
        watch.on_tally(tally(0))
        watch.on_tally(tally(3, 100, 2))
    assert capsys.readouterr().err.splitlines()[1:] == [
        "extract: 0 of 9 clips, 0 rejected, time left not known yet",
        "extract: 3 of 9 clips, 0.5 frames/s, 2 rejected, 7 min left",
    ]


def test_a_cluster_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with watched("run") as watch:
        watch.on_plan(plan(3), Crew(num=64, bound="tcp://host:8786", is_remote=True))
    assert capsys.readouterr().err == "run: 3 clips to do; on the cluster at tcp://host:8786\n"
