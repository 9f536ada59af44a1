"""CVaR: the mean of the worst part of the batch."""

import torch
from torch import Tensor

from trainables.axes import Criterion, Hyper, Losses, State
from trainables.knob import Knob

LEVEL = Knob(
    "level",
    search=(0.0, 0.95),
    default=0.5,
    legal=(0.0, 0.999),
    meaning="share of the batch, smallest losses first, that carries no weight; 0 is the mean",
    source="Rockafellar & Uryasev 2000 [read]; default and range ours",
)


def cvar() -> Criterion:
    """Conditional value at risk of the batch's losses.

        risk = theta* + mean relu(l - theta*) / (1 - level),   theta* the lower empirical quantile of the losses at `level`

    The gradient flows through theta*, so the weights of the examples sum to 1.

    References:
        Rockafellar & Uryasev, "Optimization of conditional value-at-risk", 2000 [read].
    """
    return Criterion(risk=risk, knobs=(LEVEL,))


def risk(state: State, hyper: Hyper, losses: Losses) -> Tensor:
    """The criterion's value, a scalar."""
    level = hyper["level"]
    theta = lower_quantile(losses, level)
    return theta + (torch.relu(losses.value - theta) * losses.weight).sum() / (1 - level)


def lower_quantile(losses: Losses, level: Tensor) -> Tensor:
    """The smallest loss whose cumulative weight reaches `level`, differentiable as the loss that it is."""
    value, order = losses.value.sort()
    below = losses.weight[order].cumsum(0) < level - 1e-6
    index = below.sum().clamp_max(value.shape[0] - 1)
    return value.gather(0, index[None]).squeeze(0)
