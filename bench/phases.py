"""Where a clip's time goes: every piece of work is charged to the innermost phase that it lies in."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from tcae.pipeline import faces, pictures, quality
from tcae.pipeline.mtcnn import networks
from tcae.pipeline.stages import align, fused, shards

REST = "rest"
"""What no phase claims: rows, plans, locks, tracking."""


class Phases:
    """CPU time of this process by phase, in seconds."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._open = [REST]
        self._since = time.process_time()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Charge what happens inside to ``name``."""
        self._charge()
        self._open.append(name)
        try:
            yield
        finally:
            self._charge()
            self._open.pop()

    def _charge(self) -> None:
        now = time.process_time()
        self.spent[self._open[-1]] += now - self._since
        self._since = now

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, charged to ``name``."""

        def charged(*args: Any, **kwargs: Any) -> Any:
            with self.phase(name):
                return call(*args, **kwargs)

        return charged

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Charge the pipeline's own functions while the block runs."""
        functions: list[tuple[str, Any, str]] = [
            ("detect: passes", networks.CellNetwork, "__call__"),
            ("detect: passes", networks.PatchNetwork, "__call__"),
            ("align: fit", faces, "fit_alignment"),
            ("align: crop", faces, "crop_face"),
            ("align: quality", quality, "measure"),
            ("write: encode", pictures, "encode"),
            ("write: files", pictures, "write"),
            ("write: files", align, "keep_only"),
            ("write: files", fused, "keep_only"),
            ("write: tables", shards, "_write_parts"),
        ]
        with ExitStack() as stack:
            for name, owner, function in functions:
                wrapped = self.timed(name, getattr(owner, function))
                stack.enter_context(patch.object(owner, function, wrapped))
            stack.enter_context(patch.object(fused, "open_clip", self._opener(fused.open_clip)))
            stack.enter_context(patch.object(align, "load_detector", self._loader(align.load_detector)))
            self._since = time.process_time()
            yield
            self._charge()

    def _opener(self, open_clip: Callable[..., Any]) -> Callable[..., Any]:
        @contextmanager
        def opened(*args: Any) -> Iterator[Any]:
            with ExitStack() as stack:
                with self.phase("decode"):
                    clip = stack.enter_context(open_clip(*args))
                yield _Reading(clip, self)
                with self.phase("decode"):
                    stack.close()

        return opened

    def _loader(self, load: Callable[..., Any]) -> Callable[..., Any]:
        def loaded(*args: Any) -> Any:
            return _Detecting(load(*args), self)

        return loaded


class _Reading:
    """An open clip whose every step is charged."""

    def __init__(self, clip: Any, phases: Phases) -> None:
        self._clip, self._phases = clip, phases

    @property
    def num_decode_errors(self) -> int:
        return int(self._clip.num_decode_errors)

    def __iter__(self) -> Iterator[Any]:
        rest, end = iter(self._clip), object()
        while True:
            with self._phases.phase("decode"):
                item = next(rest, end)
            if item is end:
                return
            yield item


class _Detecting:
    """A detector whose calls are charged."""

    def __init__(self, detector: Any, phases: Phases) -> None:
        self._detector, self._phases = detector, phases
        self.name, self.weights = detector.name, detector.weights

    def __call__(self, images: Any) -> Any:
        with self._phases.phase("detect: rest"):
            return self._detector(images)
