"""Pictures of a source: decoded, and whether the decoder saw damage.

libjpeg gives a picture for nearly any damage and says so only on the process's stderr, of which nothing above OpenCV
hears. So stderr goes to a file while such a picture is decoded; what others wrote meanwhile is passed on.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock

from tcae.pipeline import pictures
from tcae.pipeline.pictures import Image

DAMAGE_TOLD = re.compile(
    rb"^(?:Corrupt JPEG data|Premature end of JPEG|Invalid SOS parameters|Inconsistent progression|libpng ).*\n?",
    re.MULTILINE,
)
"""What the decoders say of damage that they step over."""

_STDERR = 2
_ONE_AT_A_TIME = Lock()


def read_still(path: Path) -> tuple[Image, bool]:
    """A picture and whether it is damaged.

    Raises:
        PictureError: it is missing, unreadable or no picture.
        TooLargeError: it has too many pixels.
    """
    with _heard() as said:
        image = pictures.read(path)
    return image, bool(said)


@contextmanager
def _heard() -> Iterator[list[bytes]]:
    """Collect what decoders say of damage in a block."""
    said: list[bytes] = []
    with _ONE_AT_A_TIME, TemporaryFile() as file:
        stderr = os.dup(_STDERR)
        os.dup2(file.fileno(), _STDERR)
        try:
            yield said
        finally:
            os.dup2(stderr, _STDERR)
            os.close(stderr)
            file.seek(0)
            text = file.read()
            said += DAMAGE_TOLD.findall(text)
            if others := DAMAGE_TOLD.sub(b"", text):
                os.write(_STDERR, others)
