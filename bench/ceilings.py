"""What the machine can do, and what a step asks of it: the two sides of a floor."""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

CONVOLUTIONS = (
    (32, 64, 4, 2, 128),
    (128, 256, 4, 2, 32),
    (256, 256, 3, 1, 32),
    (128, 64, 3, 1, 128),
    (64, 32, 3, 1, 256),
)
"""In, out, kernel, stride and side of some of the network's own layers."""

COPIED = "bytes copied"
"""Read and written."""


def wait(device: torch.device) -> None:
    """Until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def best_seconds(call: Callable[[], object], device: torch.device, rounds: int = 7, seconds: float = 0.1) -> float:
    """The least time of a call over some rounds of about ``seconds`` each."""
    call()
    start = time.perf_counter()
    call()
    wait(device)
    repeats = max(1, round(seconds / max(time.perf_counter() - start, 1e-6)))
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        wait(device)
        times.append((time.perf_counter() - start) / repeats)
    return min(times)


def matmul_flops(device: torch.device, dtype: torch.dtype) -> float:
    """The most floating-point operations a second that a product of two square matrices reached."""
    rates = []
    for side in (4096, 8192) if device.type == "cuda" else (1024, 2048):
        one, other = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
        rates.append(2 * side**3 / best_seconds(lambda one=one, other=other: one @ other, device))
    return max(rates)


def convolution_flops(device: torch.device, dtype: torch.dtype) -> float:
    """The same of the network's convolutions, channels last: the best of its layers."""
    num, rates = 128 if device.type == "cuda" else 8, []
    for narrow, wide, kernel, stride, side in CONVOLUTIONS:
        faces = torch.randn(num, narrow, side, side, device=device, dtype=dtype)
        weight = torch.randn(wide, narrow, kernel, kernel, device=device, dtype=dtype)
        faces, weight = (values.contiguous(memory_format=torch.channels_last) for values in (faces, weight))

        def call(faces: Tensor = faces, weight: Tensor = weight, stride: int = stride) -> Tensor:
            return conv2d(faces, weight, stride=stride, padding=1)

        flops = 2 * call().numel() * narrow * kernel**2
        rates.append(flops / best_seconds(call, device))
    return max(rates)


def copied_bytes(device: torch.device) -> float:
    """Bytes read and written a second in copying what no cache holds."""
    size = 2**30 if device.type == "cuda" else 2**28
    one, other = (torch.zeros(size, dtype=torch.uint8, device=device) for _ in range(2))
    return 2 * size / best_seconds(lambda: other.copy_(one), device)


def ceilings(device: torch.device) -> dict[str, float]:
    """What the machine reaches now: operations a second by dtype and kind, and bytes copied."""
    most = {COPIED: copied_bytes(device)}
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        most[f"{name} matrix product"] = matmul_flops(device, dtype)
        most[f"{name} convolution"] = convolution_flops(device, dtype)
    return most


def best_of(*measured: dict[str, float]) -> dict[str, float]:
    """The most that was reached; a machine that others use too is slower now and then."""
    return {name: max(some[name] for some in measured) for name in measured[0]}


class Traffic(TorchDispatchMode):
    """Counts the bytes that operations read and write: each tensor that goes in or comes out, once; views none."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0
        """Of all operations, each on its own."""
        self.convolutions = 0
        """Of convolutions and their gradients alone: as if all else were fused into them."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and count it."""
        made = func(*args, **(kwargs or {}))
        if func.is_view or "empty" in func.name():
            return made
        tensors = {id(leaf): leaf for leaf in tree_leaves((args, kwargs, made)) if isinstance(leaf, Tensor)}
        moved = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
        self.total += moved
        if "convolution" in func.name():
            self.convolutions += moved
        return made


def asked(step: Callable[[], object]) -> tuple[float, float, float]:
    """Operations of one call, its bytes operation by operation, and those of its convolutions alone."""
    with FlopCounterMode(display=False) as flops, Traffic() as traffic:
        step()
    return float(flops.get_total_flops()), float(traffic.total), float(traffic.convolutions)
