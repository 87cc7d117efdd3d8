"""Damage clips at random, read each in a child process, and judge what comes of it.

    python -m tests.hostile.fuzz --cases 1000
    python -m tests.hostile.fuzz --case 17

The last line but for ``--case`` is ``detected P % of N``: of the cases whose frames differ from the clean ones, those
that were rejected or have ``num_decode_errors`` above 0.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from shutil import rmtree

import click

from tests.hostile.children import Ended, run_apart
from tests.hostile.videos import MOST_DIFFERENT, TIMEOUT_SECONDS, Case, draw, gather, read_case

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"

LIMIT_SECONDS = 3 * TIMEOUT_SECONDS
"""Of a case, by the wall: what takes longer hangs."""

MOST_MB = 1024.0
"""Of a case: the largest resident set that is allowed."""

BROKEN = ("crash", "hang", "escaped", "memory")
"""What must never be."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of a case."""

    case: str
    kind: str
    """What was damaged and how, e.g. ``mp4, lie: stts``."""
    verdict: str
    """``same``, ``detected``, ``undetected`` or one of ``BROKEN``."""
    why: str
    seconds: float
    peak_mb: float


def judge(case: Case, ended: Ended) -> Verdict:
    """Compare a case's end with what may be."""
    answer = ended.answer
    if ended.how in BROKEN:
        verdict, why = ended.how, ended.said
    elif ended.peak_mb > MOST_MB:
        verdict, why = "memory", f"{ended.peak_mb:.0f} MiB"
    elif ended.how == "refused":
        verdict, why = ("detected" if answer["reason"] else "escaped"), f"{answer['refused']}: {answer['message']}"
    else:
        differs = answer["num_missing"] != 0 or answer["worst"] > MOST_DIFFERENT
        verdict = "same" if not differs else "detected" if answer["num_decode_errors"] else "undetected"
        why = ", ".join(f"{name} {value:.4g}" for name, value in answer.items())
    kind = f"{'pictures' if case.way == 'images' else case.source.name.rpartition('.')[2]}, {case.mutation}"
    return Verdict(case=str(case), kind=kind, verdict=verdict, why=why, seconds=ended.seconds, peak_mb=ended.peak_mb)


def fuzz(numbers: Sequence[int], media: Path | None, folder: Path) -> list[Verdict]:
    """Judge the cases of some numbers.

    Args:
        numbers: Of the cases.
        media: Real clips.
        folder: Empty; takes what is made.
    """
    sources, verdicts, place = gather(media, folder), [], folder / "case"
    for number in numbers:
        case = draw(number, sources)
        place.mkdir()
        ended = run_apart(partial(read_case, case, place), LIMIT_SECONDS, folder / "noise")
        rmtree(place)
        verdicts.append(judge(case, ended))
    return verdicts


def detected_share(verdicts: Sequence[Verdict]) -> float:
    """Of the cases whose frames differ, those that say so; 1 where none differs."""
    count = Counter(verdict.verdict for verdict in verdicts)
    differing = count["detected"] + count["undetected"]
    return count["detected"] / differing if differing else 1.0


@click.command()
@click.option("--cases", default=100, show_default=True, help="Take the cases 0 to this.")
@click.option("--case", "one", type=int, help="Take only this case.")
@click.option("--to", type=click.Path(path_type=Path), help="Write every verdict as a line of JSON.")
def main(cases: int, one: int | None, to: Path | None) -> None:
    """Judge damaged clips."""
    with tempfile.TemporaryDirectory() as name:
        numbers = range(cases) if one is None else [one]
        verdicts = fuzz(numbers, MEDIA if MEDIA.is_dir() else None, Path(name))
    if to is not None:
        to.write_text("".join(json.dumps(asdict(verdict)) + "\n" for verdict in verdicts))
    for verdict in verdicts:
        if one is not None or verdict.verdict in (*BROKEN, "undetected"):
            click.echo(f"{verdict.verdict}: {verdict.case}: {verdict.why}")
    click.echo(f"cases by verdict: {dict(Counter(verdict.verdict for verdict in verdicts))}")
    undetected = Counter(verdict.kind for verdict in verdicts if verdict.verdict == "undetected")
    click.echo(f"undetected by kind: {dict(undetected.most_common())}")
    click.echo(f"peak {max(verdict.peak_mb for verdict in verdicts):.0f} MiB of {MOST_MB:.0f}")
    click.echo(f"longest {max(verdict.seconds for verdict in verdicts):.1f} s of {LIMIT_SECONDS:.0f}")
    click.echo(f"detected {100 * detected_share(verdicts):.1f} %")


if __name__ == "__main__":
    main()
