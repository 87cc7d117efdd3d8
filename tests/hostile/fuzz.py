"""Damage files at random, read each in a child process, and judge what comes of it.

    python -m tests.hostile.fuzz --cases 1000
    python -m tests.hostile.fuzz --of files --cases 200
    python -m tests.hostile.fuzz --of bombs
    python -m tests.hostile.fuzz --case 17

The last line is ``detected P %``: of the cases in which what was read differs from the clean, those that were refused
or, of clips, have ``num_decode_errors`` above 0.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from shutil import rmtree

import click

from tests.hostile.children import run_apart
from tests.hostile.verdicts import Verdict, judge, report
from tests.hostile.videos import TIMEOUT_SECONDS, draw, gather, read_case

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"

LIMIT_SECONDS = 3 * TIMEOUT_SECONDS
"""Of a case, by the wall: what takes longer hangs."""


def fuzz_videos(numbers: Sequence[int], folder: Path) -> list[Verdict]:
    """Judge damaged clips.

    Args:
        numbers: Of the cases.
        folder: Empty; takes what is made.
    """
    sources, verdicts, place = gather(MEDIA if MEDIA.is_dir() else None, folder), [], folder / "case"
    for number in numbers:
        case = draw(number, sources)
        place.mkdir()
        ended = run_apart(partial(read_case, case, place), LIMIT_SECONDS, folder / "noise")
        rmtree(place)
        verdicts.append(judge(str(case), case.kind, ended))
    return verdicts


def fuzz_files(numbers: Sequence[int], folder: Path) -> list[Verdict]:
    """Judge damaged tables and checkpoints."""
    from tests.hostile import kept
    from tests.hostile.checkpoints import gather_checkpoints
    from tests.hostile.tables import gather_tables

    files, verdicts, place = [*gather_tables(), *gather_checkpoints(folder)], [], folder / "case"
    clean = []
    for file in files:  # in a child too, since pyarrow starts threads to read, and what has threads cannot be forked
        ended = run_apart(partial(kept.read_file, file, file.data, place), LIMIT_SECONDS, folder / "noise")
        clean.append(ended.answer["digest"])
        rmtree(place)
    for number in numbers:
        case = kept.draw(number, files, clean)
        ended = run_apart(partial(kept.read_case, case, place), LIMIT_SECONDS, folder / "noise")
        rmtree(place)
        verdicts.append(judge(str(case), case.kind, ended))
    return verdicts


def fuzz_bombs(numbers: Sequence[int], folder: Path) -> list[Verdict]:
    """Judge files that would take all memory or time."""
    from tests.hostile.bombs import BOMBS

    verdicts, place = [], folder / "case"
    for bomb in (BOMBS[number] for number in numbers if number < len(BOMBS)):
        place.mkdir()
        run_apart(partial(_make, bomb.make, place), LIMIT_SECONDS, folder / "noise")
        ended = run_apart(partial(_set_off, bomb.read, place), LIMIT_SECONDS, folder / "noise")
        rmtree(place)
        verdicts.append(judge(bomb.name, bomb.refusal, ended))
    return verdicts


def _make(make: Callable[[Path], None], place: Path) -> Mapping[str, bool]:
    make(place)
    return {}


def _set_off(read: Callable[[Path], object], place: Path) -> Mapping[str, bool]:
    read(place)
    return {"differs": False, "tells": False}


KINDS = {"videos": fuzz_videos, "files": fuzz_files, "bombs": fuzz_bombs}


@click.command()
@click.option("--of", type=click.Choice(list(KINDS)), default="videos", show_default=True, help="Damage these.")
@click.option("--cases", default=100, show_default=True, help="Take the cases 0 to this.")
@click.option("--case", "one", type=int, help="Take only this case.")
@click.option("--to", type=click.Path(path_type=Path), help="Write every verdict as a line of JSON.")
def main(of: str, cases: int, one: int | None, to: Path | None) -> None:
    """Judge damaged files."""
    with tempfile.TemporaryDirectory() as name:
        numbers = range(cases) if one is None else [one]
        verdicts = KINDS[of](numbers, Path(name))
    if to is not None:
        to.write_text("".join(json.dumps(asdict(verdict)) + "\n" for verdict in verdicts))
    sys.stdout.write(report(verdicts, in_full=one is not None) + "\n")


if __name__ == "__main__":
    main()
