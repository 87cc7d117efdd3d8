"""The job of ``tcae-prep run`` as a user would write it with the same packages, and a clock for both."""

import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import torch
from clips import FPS
from numpy.typing import NDArray

from tcae.pipeline.pictures import Image
from tcae.pipeline.readers.program import ffmpeg_program
from tcae.pipeline.templates import CROP_PX, template_points

MIN_FACE_PX = 40

Box: TypeAlias = NDArray[np.float64]


@dataclass
class Spent:
    """Seconds of something, one entry a clip."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Time the block."""
        wall, cpu = time.perf_counter(), cpu_seconds()
        yield
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(cpu_seconds() - cpu)


def cpu_seconds() -> float:
    """CPU time of this process and of the children that it waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class UsersWay:
    """The same job by hand."""

    def __init__(self) -> None:
        from facenet_pytorch import MTCNN

        self.mtcnn = MTCNN(keep_all=True, min_face_size=MIN_FACE_PX, device=torch.device("cpu"))
        self.template = template_points("tcae").astype(np.float32)
        self.reading = Spent()
        """The share of the ffmpeg program."""

    def __call__(self, clip: Path, folder: Path) -> list[Box | None]:
        """Write the clip's frames and faces into a folder; returns each frame's box."""
        one = ("-threads", "1")
        take = f"select=not(mod(n\\,{FPS}))"
        command = [ffmpeg_program(), "-nostdin", "-v", "error", "-filter_threads", "1", *one, "-i", str(clip)]
        command += ["-an", "-vf", take, "-fps_mode", "vfr", "-q:v", "2", *one, str(folder / "frame_%03d.jpg")]
        with self.reading.one():
            subprocess.run(command, check=True)
        return [self._face(path) for path in sorted(folder.glob("frame_*.jpg"))]

    def _face(self, path: Path) -> Box | None:
        frame = cv2.imread(str(path))
        found = self.detect(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
        if found is None:
            return None
        box, landmarks = found
        alignment, _ = cv2.estimateAffinePartial2D(landmarks.astype(np.float32), self.template)
        crop = cv2.warpAffine(frame, alignment, (CROP_PX, CROP_PX), borderMode=cv2.BORDER_REPLICATE)
        cv2.imwrite(str(path.with_name(path.name.replace("frame", "face"))), crop, [cv2.IMWRITE_JPEG_QUALITY, 95])
        return box

    def detect(self, image: Image) -> tuple[Box, NDArray[np.float64]] | None:
        """The box and the landmarks of the face with the best score."""
        boxes, scores, landmarks = self.mtcnn.detect(image, landmarks=True)
        if boxes is None:
            return None
        best = int(np.argmax(scores))
        return np.asarray(boxes[best], np.float64), np.asarray(landmarks[best], np.float64)
