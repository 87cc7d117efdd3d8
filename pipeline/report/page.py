"""The page: everything that is shown, put into one template."""

from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np

from tcae.manifests.workspace import Workspace, written_whole
from tcae.pipeline.report import figures, sheets
from tcae.pipeline.report.figures import Histogram
from tcae.pipeline.report.sampling import MOST_VALUES, Sample, SampleConfig, take_sample
from tcae.pipeline.report.sheets import Tile
from tcae.pipeline.report.tallies import read_outcomes, read_settings, read_splits
from tcae.pipeline.status import Stage, Status, take_status

_FIGURES = (
    ("face_width_px", "Face width", " px", 1, "Of the box in the frame. Crops of narrow faces are enlarged and soft."),
    ("score", "Score", "", 0.001, "The detector's probability of a face. A tail to the left: look at the worst."),
    ("sharpness", "Sharpness", "", 0.1, "Variance of the Laplacian of the grey crop. Near zero: blurred or enlarged."),
    ("brightness", "Brightness", "", 0.01, "Mean grey value of the crop, black 0 to white 1."),
    ("yaw_degrees", "Yaw", "°", 1, "Estimated from the landmarks; positive turns to the picture's right."),
    ("pitch_degrees", "Pitch", "°", 1, "Estimated from the landmarks; positive looks up."),
    ("roll_degrees", "Roll", "°", 1, "Tilt of the eyes in the frame; the alignment undoes it."),
)

_WORST = {
    "score": ("Lowest score", "Is it a face at all, and the right person? If not, the clip deserves a look."),
    "sharpness": ("Least sharp", "If expressions cannot be read here, align again with --min-sharpness."),
    "turn": ("Turned furthest", "Yaw and pitch together. Beyond some 45° one eye hides and landmarks become guesses."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Pictures under one heading."""

    title: str
    note: str
    tiles: list[Tile]

    @property
    def pictures(self) -> list[Tile]:
        """Tiles with a picture."""
        return [tile for tile in self.tiles if tile.source is not None]

    @property
    def others(self) -> list[Tile]:
        """Tiles that are only words."""
        return [tile for tile in self.tiles if tile.source is None]


def make_page(workspace: Workspace, config: SampleConfig, made_at: datetime) -> str:
    """The page's HTML, which needs no other file.

    Args:
        workspace: What to report on.
        config: How many pictures, and the seed that draws them.
        made_at: Stands on the page.

    Raises:
        ManifestError: a table is damaged.
    """
    status = take_status(workspace)
    num_faces = _stage(status, "align").num_done
    sample = take_sample(workspace, config, num_faces)
    source = files("tcae.pipeline.report").joinpath("report.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": _number, "percent": _percent}
    context = {
        "root": str(workspace.root),
        "name": workspace.root.name,
        "made_at": made_at.strftime("%Y-%m-%d %H:%M %Z").strip(),
        "status": status,
        "num_clips": _stage(status, "extract").num_items,
        "num_frames": _stage(status, "align").num_items,
        "num_faces": num_faces,
        "num_identities": _stage(status, "split").num_items,
        "num_rejected": _stage(status, "align").num_rejected,
        "examples": _examples(sample),
        "histograms": _histograms(sample),
        "is_part": num_faces > MOST_VALUES,
        "most_values": MOST_VALUES,
        "settings": read_settings(workspace),
        "splits": read_splits(workspace),
        "outcomes": read_outcomes(workspace, sample.clips),
        "figure": {"width": figures.WIDTH, "height": figures.HEIGHT},
        **_sheets(workspace, sample),
    }
    return environment.from_string(source).render(context)


def write_page(workspace: Workspace, config: SampleConfig, made_at: datetime, path: Any) -> int:
    """Write the page whole or not at all; its folder is made.

    Returns:
        Its size in bytes.

    Raises:
        ManifestError: a table is damaged.
        WorkspaceError: the page cannot be written.
    """
    data = make_page(workspace, config, made_at).encode()
    with written_whole(path) as partial:
        partial.write_bytes(data)
    return len(data)


def _stage(status: Status, name: str) -> Stage:
    return next(stage for stage in status.stages if stage.stage == name)


def _examples(sample: Sample) -> dict[tuple[str, str], str]:
    """One message for each stage and reason."""
    found = {"extract": sample.rejected_clips, "align": sample.rejected_faces}
    return {
        (stage, reason): rows[0]["detail"] or ""
        for stage, reasons in found.items()
        for reason, rows in reasons.items()
        if rows
    }


def _histograms(sample: Sample) -> list[Histogram]:
    drawn = [
        figures.histogram(
            title, note, np.concatenate([np.empty(0, np.float32), *sample.values[name]]), unit, finest=finest
        )
        for name, title, unit, finest, note in _FIGURES
    ]
    counts = np.repeat(
        np.array(list(sample.faces_per_clip.keys()), np.float32), np.array(list(sample.faces_per_clip.values()), int)
    )
    note = "Of clips that were aligned. One face gives no pair; a bar at zero is clips without any."
    drawn.append(figures.histogram("Faces per clip", note, counts))
    return [figure for figure in drawn if figure is not None]


def _sheets(workspace: Workspace, sample: Sample) -> dict[str, list[Sheet] | Sheet]:
    worst = [
        Sheet(title=_WORST[name][0], note=_WORST[name][1], tiles=sheets.face_tiles(workspace, rows, name))
        for name, rows in sample.worst.items()
        if rows
    ]
    return {
        "random": Sheet(title="", note="", tiles=sheets.face_tiles(workspace, sample.random)),
        "identities": [
            Sheet(title=name, note="", tiles=sheets.face_tiles(workspace, rows))
            for name, rows in sample.identities.items()
        ],
        "worst": worst,
        "rejected": [
            Sheet(title=reason, note=kind, tiles=sheets.frame_tiles(workspace, rows))
            for kind, found in (("clips", sample.rejected_clips), ("frames", sample.rejected_faces))
            for reason, rows in found.items()
        ],
    }


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _percent(part: int, whole: int) -> str:
    """A share that is 0 % or 100 % only where it is exactly that."""
    if not whole:
        return "-"
    if part in (0, whole):
        return f"{100 * part // whole} %"
    return f"{min(max(100 * part / whole, 0.1), 99.9):.1f} %"
