"""Our detector against ``MTCNN.detect`` on the same 224x224 frames, eight to a clip, one thread, turn by turn.

    python bench/detect.py [--rounds 15] [--device cpu|cuda] [--batch-sizes 1,8,32,128]

Frames come from a real clip if there is one in ../shared/media, else from scikit-image's astronaut, moved about. Times
are CPU time of this process, which other processes disturb less than the clock (on a GPU they are the clock's); each
figure is a median over rounds.
``passes`` is the floor of our design: the three networks alone, on the crops that they were given. Then the same frames
again and again in batches of each size, as faces a second, whole and for the passes alone: where the first no longer
grows, more frames at once are of no use; where the second is far above it, the device waits for the processor. The last
line is how many times faster we are than ``MTCNN.detect``.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from facenet_pytorch import MTCNN

from tcae.pipeline.detect import DetectConfig, Detection, Detector, load_detector
from tcae.pipeline.pictures import Image

CLIP = Path(__file__).resolve().parents[2] / "shared" / "media" / "webcam_talking.mp4"
SIDE, NUM_FRAMES, MIN_FACE_PX = 224, 8, 40.0


def make_frames() -> list[Image]:
    """Eight frames, one per second."""
    if not CLIP.is_file():
        from skimage.data import astronaut

        return [np.ascontiguousarray(astronaut()[k : k + SIDE, 100 + 3 * k : 100 + 3 * k + SIDE]) for k in range(8)]
    with av.open(str(CLIP)) as container:
        frames = [f.to_ndarray(format="rgb24") for k, f in enumerate(container.decode(video=0)) if k % 25 == 0]
    height, width = frames[0].shape[:2]
    left = (width - height) // 2
    squares = (frame[:, left : left + height] for frame in frames[:NUM_FRAMES])
    return [cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for square in squares]


def seconds(call: Callable[[], object], clock: Callable[[], float]) -> float:
    """Time of one call, whose results are in main memory when it returns."""
    start = clock()
    call()
    return clock() - start


def record_passes(cascade: object, frames: Sequence[Image]) -> list[tuple[Callable[..., object], tuple[object, ...]]]:
    """Every call that the cascade makes to a network, with its arguments."""
    passes: list[tuple[Callable[..., object], tuple[object, ...]]] = []
    networks = {name: getattr(cascade, name) for name in ("_first", "_second", "_third")}
    for name, network in networks.items():

        def spy(*args: object, network: Callable[..., object] = network) -> object:
            passes.append((network, args))
            return network(*args)

        setattr(cascade, name, spy)
    cascade(frames)  # type: ignore[operator]
    for name, network in networks.items():
        setattr(cascade, name, network)
    return passes


def compare(found: Sequence[list[Detection]], mtcnn: MTCNN, frames: Sequence[Image]) -> str:
    """How far our faces are from MTCNN's."""
    same, worst_iou, worst_px = 0, 1.0, 0.0
    for ours, frame in zip(found, frames, strict=True):
        boxes, _, landmarks = mtcnn.detect(frame, landmarks=True)
        boxes = np.empty((0, 4)) if boxes is None else boxes
        same += len(ours) == len(boxes)
        for face in ours if len(boxes) else []:
            corner = np.minimum(boxes[:, 2:], face.box[2:])
            overlap = np.maximum(corner - np.maximum(boxes[:, :2], face.box[:2]), 0).prod(axis=1)
            areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (face.box[2:] - face.box[:2]).prod()
            iou = overlap / (areas - overlap)
            worst_iou = min(worst_iou, float(iou.max()))
            worst_px = max(worst_px, float(abs(landmarks[int(iou.argmax())] - face.landmarks).max()))
    return f"agreement: {same} of {len(frames)} frames, least IoU {worst_iou:.6f}, landmarks within {worst_px:.6f} px"


def tell_batches(
    detector: Detector, frames: Sequence[Image], sizes: Sequence[int], rounds: int, clock: Callable[[], float]
) -> None:
    """Print the faces a second by batch size, and the size from which they no longer grow by a twentieth."""
    rates: dict[int, float] = {}
    for size in sizes:
        batch = list(itertools.islice(itertools.cycle(frames), size))
        passes = record_passes(detector._cascade, batch)
        num_faces = sum(map(len, detector(batch)))
        whole = np.median([seconds(lambda: detector(batch), clock) for _ in range(rounds)])  # noqa: B023
        alone = np.median([seconds(lambda: [run(*args) for run, args in passes], clock) for _ in range(rounds)])  # noqa: B023
        rates[size] = float(num_faces / whole)
        print(f"batches of {size:5} frames: {rates[size]:8.1f} faces/s, passes alone {num_faces / alone:8.1f}")
    enough = next(size for size in sizes if rates[size] >= max(rates.values()) / 1.05)
    print(f"saturated from {enough} frames a batch")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Our detector against MTCNN.detect.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-sizes", default="1,8,32,128", help="In frames, the smallest first.")
    arguments = parser.parse_args()
    rounds, device = int(arguments.rounds), str(arguments.device)
    clock = time.process_time if device == "cpu" else time.perf_counter
    frames = make_frames()
    detector = load_detector(DetectConfig(min_face_px=MIN_FACE_PX, device=device))
    mtcnn = MTCNN(keep_all=True, min_face_size=MIN_FACE_PX, device=torch.device(device))
    passes = record_passes(detector._cascade, frames)
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: detector(frames),
        "passes": lambda: [network(*args) for network, args in passes],
        "MTCNN.detect, frame by frame": lambda: [mtcnn.detect(frame, landmarks=True) for frame in frames],
        "MTCNN.detect, one batch": lambda: mtcnn.detect(frames, landmarks=True),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 2):
        for name, call in ways.items():
            took = seconds(call, clock) / len(frames) * 1e3
            if number >= 2:  # the first two warm up
                times[name].append(took)
    print(
        f"{len(frames)} frames of {SIDE}x{SIDE}, smallest face {MIN_FACE_PX:g} px, torch {torch.__version__}, "
        f"{detector.device}, 1 thread"
    )
    for name, values in times.items():
        print(f"{name:30} {np.median(values):7.2f} ms a frame (least {min(values):.2f})")
    crops = [len(args[0]) for network, args in passes[-2:]]  # type: ignore[arg-type]
    print(f"crops a frame: {crops[0] / len(frames):.1f} of 24 px, {crops[1] / len(frames):.1f} of 48 px")
    print(compare(detector(frames), mtcnn, frames))
    tell_batches(detector, frames, [int(size) for size in arguments.batch_sizes.split(",")], max(1, rounds // 3), clock)
    single = times["MTCNN.detect, frame by frame"]
    print(f"ratio {np.median([theirs / ours for theirs, ours in zip(single, times['ours'], strict=True)]):.1f}")


if __name__ == "__main__":
    main()
