"""Follow faces through one clip and choose the one that the clip is about.

Convention:
    - Boxes are x0 y0 x1 y1 in frame pixels, half open.
    - Distances are those of box centres, in widths of the wider of the two boxes.
    - Frames are counted by their position in the clip's sequence, from 0; times are seconds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tcae.pipeline.detect import Detection

Box = NDArray[np.float64]
"""(4,) float64."""

MIN_IOU: Final = 0.3
"""Boxes that overlap by this much are one face, whatever the time between them up to ``MAX_GAP_SECONDS``."""

MAX_GAP_SECONDS: Final = 5.0
"""A face that was away longer starts a new track; neighbouring frames are never a gap."""

REACH_WIDTHS: Final = 0.5
REACH_WIDTHS_PER_SECOND: Final = 1.0
MAX_REACH_WIDTHS: Final = 1.5
MAX_REACH_OVER_GAP_WIDTHS: Final = 1.0
"""How far a face moves: half its width at once and one width a second more, but no further than where another
person's face can be (two people cheek to cheek are at least one width apart)."""

MAX_SIZE_RATIO: Final = 2.0
"""Boxes of one face differ less in width."""

MIN_NAMED_IOU: Final = 0.2
"""Overlap with the source's track file below this is chance: their boxes are looser than ours."""


@dataclass(slots=True, kw_only=True)
class Track:
    """One face followed through one clip."""

    detections: dict[int, Detection] = field(default_factory=dict)
    """Position in the sequence of frames -> what was found there; in order, at least one."""
    seconds: float = 0.0
    """Time of the last one."""

    @property
    def last(self) -> tuple[int, Detection]:
        """Position and detection of the newest frame."""
        position = next(reversed(self.detections))
        return position, self.detections[position]


class Tracker:
    """Builds the tracks of one clip from its frames, one after another; the result depends on nothing else."""

    def __init__(self) -> None:
        self.tracks: list[Track] = []
        """In order of their first frame, then of the detector."""
        self._open: list[Track] = []

    def add(self, position: int, seconds: float, detections: Sequence[Detection]) -> None:
        """Continue the tracks with one frame's faces, the nearest pairs first; a face left over starts a track.

        Args:
            position: Of the frame; greater than all before.
            seconds: Its time, not before the last one's.
            detections: What was found in it.
        """
        self._open = [
            track for track in self._open if position - track.last[0] == 1 or seconds - track.seconds <= MAX_GAP_SECONDS
        ]
        continued = self._matches(position, seconds, detections)
        for d, detection in enumerate(detections):
            track = continued.get(d) or self._start()
            track.detections[position] = detection
            track.seconds = seconds

    def _matches(self, position: int, seconds: float, detections: Sequence[Detection]) -> dict[int, Track]:
        near = [
            (-affinity, t, d)
            for t, track in enumerate(self._open)
            for d, detection in enumerate(detections)
            if (affinity := _affinity(track, position, seconds, detection)) is not None
        ]
        matches: dict[int, Track] = {}
        taken: set[int] = set()
        for _, t, d in sorted(near):
            if t not in taken and d not in matches:
                taken.add(t)
                matches[d] = self._open[t]
        return matches

    def _start(self) -> Track:
        track = Track()
        self.tracks.append(track)
        self._open.append(track)
        return track


def _affinity(track: Track, position: int, seconds: float, detection: Detection) -> float | None:
    """How near a track's last box and a new one lie, higher for nearer; null where they cannot be one face."""
    last_position, last = track.last
    gap = position - last_position > 1
    elapsed = max(0.0, seconds - track.seconds)
    widths = (_width(last.box), _width(detection.box))
    if min(widths) * MAX_SIZE_RATIO < max(widths):
        return None
    distance = float(np.hypot(*(_centre(detection.box) - _centre(last.box)))) / max(widths)
    limit = MAX_REACH_OVER_GAP_WIDTHS if gap else MAX_REACH_WIDTHS
    overlap = iou(last.box, detection.box)
    if overlap < MIN_IOU and distance > min(limit, REACH_WIDTHS + REACH_WIDTHS_PER_SECOND * elapsed):
        return None
    return overlap - distance


def choose(
    tracks: Sequence[Track], named_boxes: Mapping[int, Box] | None = None, min_width_px: float = 0.0
) -> dict[int, Detection]:
    """The faces of the clip's one person.

    That is the track which the source's track file names (greatest sum of IoU with the named boxes, joined by other
    pieces that it names at other times); where it names none, the track with the highest sum of scores. Sums that agree
    to three decimals are a tie, for the wider face, then for the earlier track.

    Args:
        tracks: What ``Tracker`` built.
        named_boxes: Position -> the named person's box in frame pixels.
        min_width_px: Narrower boxes hold a track together but add nothing to its score.

    Returns:
        Position -> detection, in order; empty without tracks.
    """
    if not tracks:
        return {}
    named = [_named_iou(track, named_boxes or {}) for track in tracks]
    if max(named) > 0:
        return _joined(tracks, named)
    best = max(range(len(tracks)), key=lambda t: (*_rank(tracks[t], min_width_px), -t))
    return dict(tracks[best].detections)


def _rank(track: Track, min_width_px: float) -> tuple[float, float]:
    found = track.detections.values()
    score = math.fsum(face.score for face in found if _width(face.box) >= min_width_px)
    return round(score, 3), math.fsum(_width(face.box) for face in found) / len(found)


def _named_iou(track: Track, named_boxes: Mapping[int, Box]) -> float:
    overlaps = (iou(face.box, named_boxes[p]) for p, face in track.detections.items() if p in named_boxes)
    return math.fsum(overlap for overlap in overlaps if overlap >= MIN_NAMED_IOU)


def _joined(tracks: Sequence[Track], named: Sequence[float]) -> dict[int, Detection]:
    chosen: dict[int, Detection] = {}
    for t in sorted(range(len(tracks)), key=lambda t: (-named[t], t)):
        if named[t] > 0 and chosen.keys().isdisjoint(tracks[t].detections):
            chosen |= tracks[t].detections
    return dict(sorted(chosen.items()))


def iou(first: Box, second: Box) -> float:
    """Area of the intersection over area of the union of two boxes, in 0-1; 0 for empty ones."""
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    shared = float(np.prod(np.maximum(high - low, 0.0)))
    union = float(np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2])) - shared
    return shared / union if union > 0 else 0.0


def _width(box: Box) -> float:
    return float(box[2] - box[0])


def _centre(box: Box) -> Box:
    return (box[:2] + box[2:]) / 2
