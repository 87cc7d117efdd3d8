"""What a running stage shows on stderr: a moving bar on a terminal, quiet lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tcae.pipeline.runner import Crew
from tcae.pipeline.stages.base import Tally
from tcae.pipeline.stages.job import Watch
from tcae.pipeline.stages.planning import JobPlan

QUIET_SECONDS = 10.0
"""Between two lines where stderr is not a terminal."""


@contextmanager
def watched(name: str) -> Iterator[Watch]:
    """A watch that shows a stage's progress until the block ends."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, TextColumn("{task.fields[rates]}"), console=console, disable=not console.is_terminal)
    # rich before 15 ends even a bar that is not shown, with an empty line
    with bar if console.is_terminal else nullcontext():
        yield _Display(name, bar).watch()


class _Display:
    def __init__(self, name: str, bar: Progress) -> None:
        self.name, self.bar = name, bar
        self.done = Tally()
        self.num_todo = 0
        self.started = self.last_line = time.monotonic()
        self.task = bar.add_task(name, total=None, rates="")

    def watch(self) -> Watch:
        return Watch(on_plan=self.on_plan, on_tally=self.on_tally, on_note=self.on_note)

    def on_plan(self, plan: JobPlan, crew: Crew) -> None:
        self.num_todo = plan.num_todo
        self.started = self.last_line = time.monotonic()
        stale = (
            f", {plan.num_stale:,} of them made before with other options or from other files" if plan.num_stale else ""
        )
        where = f"; {crew}" if plan.num_todo else ""
        click.echo(f"{self.name}: {plan.num_todo:,} clips to do{stale}{where}", err=True)
        self.bar.update(self.task, total=plan.num_todo)

    def on_note(self, note: str) -> None:
        click.echo(f"{self.name}: {note}", err=True)

    def on_tally(self, tally: Tally) -> None:
        self.done.add(tally)
        self.bar.update(self.task, completed=self.done.made, rates=self.rates())
        now = time.monotonic()
        if self.bar.disable and now - self.last_line > QUIET_SECONDS:
            self.last_line = now
            click.echo(
                f"{self.name}: {self.done.made:,} of {self.num_todo:,} clips, {self.rates()}, {self.left(now)}",
                err=True,
            )

    def rates(self) -> str:
        seconds = max(1e-3, time.monotonic() - self.started)
        made = [f"{count / seconds:,.1f} {table}/s" for table, count in sorted(self.done.done.items(), reverse=True)]
        return ", ".join([*made, f"{self.done.rejected.total()} rejected"])

    def left(self, now: float) -> str:
        if not self.done.made:
            return "time left not known yet"
        seconds = (now - self.started) / self.done.made * (self.num_todo - self.done.made)
        return f"{seconds / 60:.0f} min left" if seconds >= 120 else f"{seconds:.0f} s left"
