"""CVaR: the mean of the worst part of the batch."""

import torch
from torch import Tensor

from trainables.axes import Criterion, Hyper, Losses
from trainables.criterion.family import Transform, Transformed, compose, tiny
from trainables.criterion.threshold import CUTOFF, chosen
from trainables.knob import Knob

LEVEL = Knob(
    "level",
    search=(0.0, 0.95),
    default=0.5,
    legal=(0.0, 0.999),
    meaning="share of the batch, smallest losses first, that lies below the tail; 0 is the mean",
    source="Rockafellar & Uryasev 2000 [read]; default of Holland & Hamada 2024 [read]; range ours",
)

ROUNDING = 1e-5
"""Slack of a cumulated float32 weight against the level; far below the 1/n by which it grows."""


def cvar(threshold: str = "quantile") -> Criterion:
    """Conditional value at risk of the batch's losses.

        risk = theta + mean relu(l - theta) / (1 - level)

    Args:
        threshold: "quantile" has theta at the batch's lower empirical quantile at `level`, which makes the risk the mean of the worst
            1 - level of the batch; the gradient flows through it, so that the examples' weights sum to 1. "fixed" has it at `cutoff`.
            "learned" begins at 0 and steps down the risk's slope by `threshold_step`, towards the quantile over all batches.

    References:
        Rockafellar & Uryasev, "Optimization of conditional value-at-risk", 2000 [read].
    """
    return compose(tail_mean(threshold, CUTOFF))


def tail_mean(threshold: str, cutoff: Knob | None = None) -> Transform:
    """L_i = theta + relu(l_i - theta) / (1 - level), whose mean is CVaR where theta is the quantile."""
    return Transform(_tail, chosen(threshold, _quantile, cutoff), (LEVEL,))


def _tail(hyper: Hyper, losses: Losses, threshold: Tensor) -> Transformed:
    each = losses._replace(value=threshold + torch.relu(losses.value - threshold) / (1 - hyper["level"]))
    return Transformed(each.mean(), each)


def _quantile(hyper: Hyper, losses: Losses) -> Tensor:
    return lower_quantile(losses, hyper["level"])


def lower_quantile(losses: Losses, level: Tensor) -> Tensor:
    """The smallest loss at which the cumulated weight reaches `level`; its slope is shared by weight among losses that tie with it."""
    value, order = losses.value.detach().sort()
    short = losses.weight[order].cumsum(0) < (level - ROUNDING).clamp_min(tiny(value))
    found = value.gather(0, short.sum().clamp_max(value.shape[0] - 1)[None]).squeeze(0)
    tied = losses.weight * (losses.value.detach() == found)
    share = tied / tied.sum().clamp_min(tiny(value))
    return found + (share * (losses.value - losses.value.detach())).sum()
