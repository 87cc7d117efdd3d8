"""Which device a run uses, and how it is set up."""

from typing import Literal

import torch

from tcae.manifests.errors import MissingToolError
from tcae.model.training.processes import local_rank


def device_of(wish: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """The device that was asked for; ``auto`` takes a GPU where there is one.

    Each of several processes on one machine takes another GPU.

    Raises:
        MissingToolError: a GPU was demanded and there is none for this process.
    """
    num_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wish == "cpu" or (wish == "auto" and not num_gpus):
        return torch.device("cpu")
    if local_rank() >= num_gpus:
        raise MissingToolError(
            f"device cuda was asked for process {local_rank()} of this machine, and torch {torch.__version__} sees "
            f"{num_gpus} GPUs; start fewer processes, install torch for CUDA and a driver, or use --device cpu"
        )
    return torch.device("cuda", local_rank())


def set_up(device: torch.device) -> None:
    """Let float32 be float32 (no TF32), and let cuDNN look for the fastest convolutions."""
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False


def name_of(device: torch.device) -> str:
    """The device in words."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"cpu ({torch.get_num_threads()} threads)"
