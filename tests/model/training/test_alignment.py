"""A run knows how its faces were aligned."""

from collections.abc import Iterable
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.rows import ClipKey, Face
from tcae.manifests.tables import table_of, write_table
from tcae.manifests.workspace import Workspace
from tcae.model.training.alignment import alignment_of_faces
from tests.pair_builders import face_row

Aligned = tuple[str | None, float | None]


def write_faces(workspace: Workspace, shard: int, alignments: Iterable[Aligned]) -> None:
    """One face each; None stands for a frame that gave none."""
    key = ClipKey("a", "v", shard)
    rows = [
        replace(face_row(key, frame), template=template, margin=margin)
        for frame, (template, margin) in enumerate(alignments)
    ]
    write_table(table_of(rows, Face), workspace.part("faces", shard))


def test_no_table_and_no_face_tell_of_no_template(workspace: Workspace) -> None:
    assert alignment_of_faces(workspace) == {"template": "unknown", "margin": "unknown"}
    write_faces(workspace, 0, [(None, None)])
    write_faces(workspace, 1, [])
    assert alignment_of_faces(workspace) == {"template": "unknown", "margin": "unknown"}


@pytest.mark.parametrize("margin", [0.0, 0.25, -0.1])
def test_faces_of_one_template_tell_it(workspace: Workspace, margin: float) -> None:
    write_faces(workspace, 0, [("tcae", margin), (None, None), ("tcae", margin)])
    write_faces(workspace, 3, [(None, None)])
    write_faces(workspace, 7, [("tcae", margin)])
    assert alignment_of_faces(workspace) == {"template": "tcae", "margin": str(margin)}


@pytest.mark.parametrize("shard", [0, 5])
def test_one_face_of_another_template_is_seen_in_any_part(workspace: Workspace, shard: int) -> None:
    write_faces(workspace, 0, [("tcae", 0.0)] * 20)
    write_faces(workspace, shard, [*[("tcae", 0.0)] * 10, ("arcface", 0.0), *[("tcae", 0.0)] * 10])
    with pytest.raises(ConfigError, match="faces have more than one template: arcface, tcae; make them anew with one"):
        alignment_of_faces(workspace)


def test_two_margins_are_refused(workspace: Workspace) -> None:
    write_faces(workspace, 0, [("tcae", 0.0), ("tcae", 0.5)])
    with pytest.raises(ConfigError, match=r"more than one margin: 0\.0, 0\.5"):
        alignment_of_faces(workspace)


@pytest.mark.parametrize("templates", [["tcae"] * 4, ["tcae", "arcface"] * 2])
def test_several_row_groups_and_silent_footers_say_the_same(workspace: Workspace, templates: list[str]) -> None:
    said = []
    for row_group_size, statistics in ((2, True), (1, True), (3, False)):
        write_faces(workspace, 0, [(template, 0.0) for template in templates])
        part = workspace.part("faces", 0)
        table = pq.ParquetFile(part).read()
        pq.write_table(table, part, row_group_size=row_group_size, write_statistics=statistics)
        try:
            said.append(str(alignment_of_faces(workspace)))
        except ConfigError as error:
            said.append(str(error))
    assert len(set(said)) == 1
    assert ("more than one template: arcface, tcae" in said[0]) == (len(set(templates)) == 2)


def test_a_damaged_part_is_named(workspace: Workspace) -> None:
    write_faces(workspace, 0, [("tcae", 0.0)])
    part = workspace.part("faces", 0)
    part.write_bytes(part.read_bytes()[:-5])
    with pytest.raises(ManifestError, match=r"0000\.parquet is not a readable Parquet table"):
        alignment_of_faces(workspace)
