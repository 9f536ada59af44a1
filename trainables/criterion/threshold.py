"""Where a tail begins: at a number, at the batch's own quantile, or at a number learned on the way."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from trainables.axes import Hyper, Losses, Model, Net, State, no_state
from trainables.crossentropy import full_precision
from trainables.draws import Streams
from trainables.knob import Knob

CUTOFF = Knob(
    "cutoff",
    search=(0.0, 2.0),
    default=0.5,
    legal=(0.0, 100.0),
    meaning="loss (nats) above which the tail begins",
    source="ours; 0, where cross-entropy has no examples below, only scales the mean",
)
STEP = Knob(
    "threshold_step",
    search=(1e-4, 1e-1),
    default=0.01,
    legal=(0.0, 10.0),
    log=True,
    meaning="step of the learned threshold (nats per unit of slope); 0 leaves it at 0",
    source="ours: the released code of Holland & Hamada 2024 gives it the weights' own rate, momentum and decay",
)


class Threshold(NamedTuple):
    """Where the tail begins.

    Attributes:
        read: (state, hyper, losses) -> the threshold, a scalar.
        init: As in `Criterion`.
        learned: Whether the state is a threshold to descend along the risk's slope.
        moves: Whether it changes in training, and so is worth logging.
        knobs: Its searchable numbers.
    """

    read: Callable[[State, Hyper, Losses], Tensor]
    init: Callable[[Streams, Hyper, Net, Model], State] = no_state
    learned: bool = False
    moves: bool = False
    knobs: tuple[Knob, ...] = ()


def chosen(kind: str, quantile: Callable[[Hyper, Losses], Tensor], cutoff: Knob | None = None) -> Threshold:
    """The threshold of a name.

    Args:
        kind: "fixed", "quantile" or "learned".
        quantile: (hyper, losses) -> the threshold that minimises the transform on the batch, differentiable.
        cutoff: Knob of a fixed threshold; 0 without one.

    Raises:
        ValueError: If the name is none of these.
    """
    kinds = {
        "fixed": lambda: fixed(cutoff),
        "quantile": lambda: Threshold(lambda state, hyper, losses: quantile(hyper, losses), moves=True),
        "learned": learned,
    }
    if kind not in kinds:
        raise ValueError(f"threshold must be one of {sorted(kinds)}, got {kind!r}")
    return kinds[kind]()


def fixed(cutoff: Knob | None = None) -> Threshold:
    """The configured threshold, or 0."""
    if cutoff is None:
        return Threshold(lambda state, hyper, losses: torch.zeros_like(losses.value[0]))
    return Threshold(lambda state, hyper, losses: hyper[cutoff.name], knobs=(cutoff,))


def learned() -> Threshold:
    """A threshold that starts at 0 and takes a small step of its own after each weight step."""
    return Threshold(lambda state, hyper, losses: state["threshold"], _at_zero, learned=True, moves=True, knobs=(STEP,))


def _at_zero(stream: Streams, hyper: Hyper, net: Net, model: Model) -> State:
    return {"threshold": torch.zeros_like(full_precision(hyper[STEP.name]))}
