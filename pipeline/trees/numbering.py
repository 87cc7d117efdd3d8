"""N of ``N_folder``: a clip's number within its video, given once and kept."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count
from typing import TypeAlias

from tcae.manifests.rows import Clip

_DIGITS = re.compile(r"([0-9]+)")

NaturalKey: TypeAlias = tuple[list[str | int], str]
"""What names are compared by."""


def natural(name: str) -> NaturalKey:
    """Sort key by which digits count as numbers; equal numbers (``1``, ``01``) fall back on the plain text.

    >>> sorted(["10.mp4", "2.mp4", "00001.mp4"], key=natural)
    ['00001.mp4', '2.mp4', '10.mp4']
    """
    parts = _DIGITS.split(name)
    return [int(part) if odd % 2 else part for odd, part in enumerate(parts)], name


def number_clips(clips: Iterable[Clip], known: Iterable[Clip] = ()) -> list[Clip]:
    """Give every clip its number within its video.

    A clip that is known by identity, video and name keeps its number, wherever its source lies now. The others take, in
    natural order of their names, the smallest numbers that the video never had. So the order of ``clips`` does not
    matter, a number is never used again as long as ``known`` holds clips that are gone too, and a listing of which only
    some rows were written before it was killed is completed as if it had not been.

    Args:
        clips: All clips of all sources; their ``clip`` is not read. (identity, video, name) may be shared by
            entries that were refused; these are told apart by their paths.
        known: The rows of an earlier listing.

    Returns:
        The clips sorted by key; keys are unique.
    """
    taken: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    used: dict[tuple[str, str], set[int]] = defaultdict(set)
    for row in known:
        taken[row.identity, row.video, row.name].append(row.clip)
        used[row.identity, row.video].add(row.clip)
    following: dict[tuple[str, str], Iterator[int]] = {}
    for numbers in taken.values():
        numbers.sort(reverse=True)
    numbered = []
    for clip in sorted(clips, key=_order):
        numbers_of_name = taken.get((clip.identity, clip.video, clip.name))
        if numbers_of_name:
            number = numbers_of_name.pop()
        else:
            video = clip.identity, clip.video
            free = following.get(video) or following.setdefault(video, _free(used.get(video, set())))
            number = next(free)
        numbered.append(clip if clip.clip == number else replace(clip, clip=number))
    return sorted(numbered, key=lambda clip: (clip.identity, clip.video, clip.clip))


def _free(used: set[int]) -> Iterator[int]:
    """The numbers from 0 that are not used."""
    return (number for number in count() if number not in used)


def _order(clip: Clip) -> tuple[str, str, NaturalKey, bool, str, str]:
    """Accepted clips come before refused ones of the same name."""
    return clip.identity, clip.video, natural(clip.name), clip.reason is not None, clip.path, clip.detail or ""
