"""The optimiser that a recipe names, and its learning rate at each step."""

import math
from collections.abc import Iterable

from torch import optim
from torch.nn import Parameter

from tcae.model.recipe import OptimiserConfig


def optimiser_of(config: OptimiserConfig, parameters: Iterable[Parameter]) -> optim.Optimizer:
    """Build the optimiser for some parameters."""
    if config.name == "sgd":
        return optim.SGD(parameters, lr=config.lr, momentum=config.momentum, weight_decay=config.weight_decay)
    betas = (config.momentum, config.beta2)
    return optim.AdamW(parameters, lr=config.lr, betas=betas, weight_decay=config.weight_decay)


def lr_at(config: OptimiserConfig, step: int, num_steps: int) -> float:
    """The learning rate of a step.

    Args:
        config: The recipe's.
        step: From 0.
        num_steps: The recipe's total; steps beyond it are like its last.
    """
    if step < config.warmup_steps:
        return config.lr * (step + 1) / config.warmup_steps
    if config.decay == "constant":
        return config.lr * _factor(config, step, num_steps)
    done = min(1.0, (step - config.warmup_steps) / max(1, num_steps - config.warmup_steps))
    return config.lr * 0.5 * (1 + math.cos(math.pi * done)) * _factor(config, step, num_steps)


def _factor(config: OptimiserConfig, step: int, num_steps: int) -> float:
    """Of the last part of the schedule that has begun; 1 before the first."""
    begun = [factor for part, factor in config.factors if step >= part * num_steps]
    return begun[-1] if begun else 1.0


def set_lr(optimiser: optim.Optimizer, lr: float) -> None:
    """Use a learning rate from the next step on."""
    for group in optimiser.param_groups:
        group["lr"] = lr
