"""Optimisers and learning-rate schedules, for one member."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from trainables import tree
from trainables.axes import Params, State

Schedule = Callable[[int, int], float]
"""(step, steps in all) -> factor on the learning rate, in [0, 1]."""


class Optimizer(NamedTuple):
    """init(params) -> state; update(gradient, state, params, lr, weight_decay) -> (new params, new state).

    Weight decay is decoupled: params shrink by lr * weight_decay beside the gradient step and it never enters the gradient or the
    momentum. torch.optim.SGD couples it; with momentum m its weight_decay d acts like d / (1 - m) here.
    """

    init: Callable[[Params], State]
    update: Callable[[Params, State, Params, Tensor, Tensor], tuple[Params, State]]


def sgd(momentum: float = 0.9, nesterov: bool = False) -> Optimizer:
    """v <- momentum v + g; w <- (1 - lr decay) w - lr v, or - lr (g + momentum v) with Nesterov.

    References:
        Loshchilov & Hutter 2019, arXiv 1711.05101, algorithm 1 (SGDW).
    """

    def init(params: Params) -> State:
        return {"velocity": tree.map(torch.zeros_like, params)}

    def update(gradient: Params, state: State, params: Params, lr: Tensor, weight_decay: Tensor) -> tuple[Params, State]:
        velocity = tree.add(gradient, state["velocity"], momentum)
        direction = tree.add(gradient, velocity, momentum) if nesterov else velocity
        return _shrink_and_step(params, direction, lr, weight_decay), {"velocity": velocity}

    return Optimizer(init, update)


def adamw(beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Optimizer:
    """AdamW.

    References:
        Loshchilov & Hutter 2019, arXiv 1711.05101, algorithm 2.
    """

    def init(params: Params) -> State:
        some = next(iter(params.values()))
        zeros = tree.map(torch.zeros_like, params)
        return {"first": zeros, "second": tree.map(torch.zeros_like, params), "count": torch.zeros((), dtype=some.dtype)}

    def update(gradient: Params, state: State, params: Params, lr: Tensor, weight_decay: Tensor) -> tuple[Params, State]:
        count = state["count"] + 1
        first = tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, state["first"], gradient)
        second = tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, state["second"], gradient)
        bias1, bias2 = 1 - beta1**count, 1 - beta2**count
        direction = tree.map(lambda m, v: (m / bias1) / ((v / bias2).sqrt() + epsilon), first, second)
        return _shrink_and_step(params, direction, lr, weight_decay), {"first": first, "second": second, "count": count}

    return Optimizer(init, update)


def _shrink_and_step(params: Params, direction: Params, lr: Tensor, weight_decay: Tensor) -> Params:
    shrink = 1 - lr * weight_decay
    return tree.map(lambda w, d: shrink * w - lr * d, params, direction)


def constant(step: int, steps: int) -> float:
    """The configured rate throughout."""
    return 1.0


def cosine(step: int, steps: int) -> float:
    """From the configured rate down to 0 along half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * step / steps))


def stepwise(step: int, steps: int) -> float:
    """Divided by 10 after one half and again after three quarters of the steps."""
    return 0.1 ** ((step >= steps / 2) + (step >= 3 * steps / 4))


def with_warmup(schedule: Schedule, warmup: float) -> Schedule:
    """The schedule after a linear rise over the first `warmup` share of the steps."""

    def factor(step: int, steps: int) -> float:
        rising = int(warmup * steps)
        return (step + 1) / (rising + 1) if step < rising else schedule(step - rising, steps - rising)

    return factor


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {"sgd": sgd, "adamw": adamw}
SCHEDULES: dict[str, Schedule] = {"constant": constant, "cosine": cosine, "step": stepwise}
