"""What a training shows: a moving bar on a terminal, quiet lines elsewhere, and a last sentence."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tcae.model.train import Outcome
from tcae.model.training.journal import Report, Watch

QUIET_SECONDS = 10.0
"""Between two lines where stderr is not a terminal."""


@contextmanager
def watched() -> Iterator[Watch]:
    """A watch that shows a training on stderr until the block ends."""
    console = Console(stderr=True)
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[line]}"),
        console=console,
        disable=not console.is_terminal,
    )
    with bar if console.is_terminal else nullcontext():
        display = _Display(bar)
        yield Watch(on_note=display.note, on_report=display.report, on_validation=display.validated)


def told(outcome: Outcome) -> None:
    """Say on stdout what a call of ``train`` left."""
    steps = f"{outcome.step - outcome.started:,} steps trained now, {outcome.step:,} of {outcome.end:,} done"
    click.echo(f"{steps}; {outcome.words}" if outcome.words else steps)
    sheets = sorted(outcome.folder.samples.glob("*.png"))
    if sheets:
        click.echo(f"What the method makes of some val faces: {sheets[-1]}")
    click.echo(f"The run: {outcome.folder.path}; next: tcae probe --encoder {outcome.folder.path.name}")


class _Display:
    def __init__(self, bar: Progress) -> None:
        self.bar = bar
        self.task = bar.add_task("train", total=None, line="")
        self.last_line = 0.0

    def note(self, note: str) -> None:
        self._say(note)

    def report(self, report: Report) -> None:
        low, high = report.stage
        line = (
            f"loss {report.loss:.4f}, {report.samples_per_second:,.1f} samples/s, waiting {report.wait_share:.0%}, "
            f"easiest {low:.0%} to {high:.0%}, {_left(report.seconds_left)}"
        )
        self.bar.update(self.task, completed=report.step, total=report.num_steps, line=line)
        now = time.monotonic()
        if self.bar.disable and now - self.last_line > QUIET_SECONDS:
            self.last_line = now
            self._say(f"step {report.step:,} of {report.num_steps:,}: {line}")

    def validated(self, step: int, words: str) -> None:
        self._say(f"step {step:,}: {words}")

    def _say(self, line: str) -> None:
        if self.bar.disable:
            click.echo(line, err=True)
        else:
            self.bar.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _left(seconds: float) -> str:
    return f"{seconds / 60:,.0f} min left" if seconds >= 120 else f"{seconds:.0f} s left"
