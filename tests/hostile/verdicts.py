"""What came of a case, and what may come of one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.hostile.children import Ended

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


def judge(case: str, kind: str, ended: Ended, most_mb: float = MOST_MB) -> Verdict:
    """Compare a case's end with what may be.

    Args:
        case: How it is named.
        kind: What was damaged and how.
        ended: Its answer has ``differs`` and ``tells``: whether what was read is another than the clean, and whether
            the reader says so.
        most_mb: The largest resident set that is allowed.
    """
    answer = ended.answer
    if ended.how in BROKEN:
        verdict, why = ended.how, ended.said
    elif ended.peak_mb > most_mb:
        verdict, why = "memory", f"{ended.peak_mb:.0f} MiB"
    elif ended.how == "refused":
        verdict, why = "detected", f"{answer['refused']}: {answer['message']}"
    else:
        verdict = "same" if not answer["differs"] else "detected" if answer["tells"] else "undetected"
        why = ", ".join(f"{name} {value}" for name, value in answer.items())
    return Verdict(case=case, kind=kind, verdict=verdict, why=why, seconds=ended.seconds, peak_mb=ended.peak_mb)


def share_detected(verdicts: Sequence[Verdict]) -> float:
    """Of the cases that differ from the clean, those that say so; 1 where none differs."""
    count = Counter(verdict.verdict for verdict in verdicts)
    differing = count["detected"] + count["undetected"]
    return count["detected"] / differing if differing else 1.0


def report(verdicts: Sequence[Verdict], *, in_full: bool = False) -> str:
    """Lines: what is broken, what was not detected, and the figures of all."""
    told = [verdict for verdict in verdicts if in_full or verdict.verdict in (*BROKEN, "undetected")]
    undetected = Counter(verdict.kind for verdict in verdicts if verdict.verdict == "undetected")
    return "\n".join(
        [
            *(f"{verdict.verdict}: {verdict.case}: {verdict.why}" for verdict in told),
            f"{len(verdicts)} cases: {dict(Counter(verdict.verdict for verdict in verdicts))}",
            f"undetected by kind: {dict(undetected.most_common())}",
            f"peak {max(verdict.peak_mb for verdict in verdicts):.0f} MiB",
            f"longest {max(verdict.seconds for verdict in verdicts):.1f} s",
            f"detected {100 * share_detected(verdicts):.1f} %",
        ]
    )
