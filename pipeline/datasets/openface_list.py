"""The lists of Fung and McDuff (FG 2020): a picture, its face's rectangle and AU flags on each line, without a header.

``m.059w4s_84-FaceId-0.jpg,"(0, 0, 300, 300)",0,1,0,...``: their lists for pre-training have a gender and 18 flags by
OpenFace 2; those for fine-tuning have no gender and DISFA's 12 AUs. The number of cells tells which it is.
"""

from pathlib import Path

from tcae.manifests.errors import ConfigError, ManifestError
from tcae.manifests.labels import au_name
from tcae.pipeline.datasets.frames import check_values, gather, picture_labels
from tcae.pipeline.datasets.keys import picture_identity
from tcae.pipeline.datasets.reading import LabelOptions, ReadLabels
from tcae.pipeline.datasets.sheets import Columns, first_cells, read_plain_sheet

OPENFACE_AUS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 28, 45)
DISFA_AUS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)

_AUS_OF = {21: OPENFACE_AUS, 20: OPENFACE_AUS, 15: DISFA_AUS, 14: DISFA_AUS}
"""By the number of cells; the flags are the last ones."""


def read(folder: Path, options: LabelOptions) -> ReadLabels:
    """The flags of all pictures, each of which is a person of its own.

    Args:
        folder: The list.
        options: None of them matters here.

    Raises:
        ConfigError: it is no file.
        ManifestError: it makes no sense; the message has its line.
    """
    if not folder.is_file():
        raise ConfigError(f"{folder} is no file; name the list, a CSV file")
    num_cells = len(first_cells(folder))
    if num_cells not in _AUS_OF:
        raise ManifestError(
            f"{folder}, line 1: {num_cells} cells; there must be picture, rectangle, perhaps gender, and 18 or 12 flags"
        )
    aus = [au_name(number) for number in _AUS_OF[num_cells]]
    flags = {au: num_cells - len(aus) + index for index, au in enumerate(aus)}
    sheet = read_plain_sheet(folder, Columns(numbers=flags, texts={"picture": 0}), num_cells)
    check_values(sheet, aus, (0, 1))
    identities = [picture_identity(path) for path in sheet.texts["picture"]]
    if len(set(identities)) < len(identities):
        rows: dict[str, int] = {}
        again = next(row for row, name in enumerate(identities) if rows.setdefault(name, row) != row)
        raise ManifestError(f"{sheet.where(again)}: {sheet.texts['picture'][again]} is there twice; it must be once")
    return ReadLabels(
        gather([picture_labels(identities, sheet.numbers)]), [f"the flags are of the AUs {', '.join(aus)}"]
    )
