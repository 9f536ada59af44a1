"""Tilted risk: examples count by the exponential of their loss."""

import torch
from torch import Tensor

from trainables.axes import Criterion, Hyper, Losses
from trainables.criterion.family import Transform, Transformed, compose
from trainables.knob import Knob

TILT = Knob(
    "tilt",
    search=(0.01, 5.0),
    default=1.0,
    legal=(0.0, 1000.0),
    log=True,
    meaning="how fast an example's weight grows with its loss (1/nat); 0 is the mean, large values the largest loss",
    source="Li 2021 [read]; range ours",
)

SMALLEST_TILT = 1e-12
"""Stands in for 0; the formula is accurate there."""


def tilted() -> Criterion:
    """Tilted empirical risk.

        risk = log(mean exp(tilt l)) / tilt;    weight of an example = softmax(tilt l)

    References:
        Li, Beirami, Sanjabi & Smith, "Tilted empirical risk minimization", 2021, arXiv 2007.01162 [read].
    """
    return compose(exponential())


def exponential() -> Transform:
    """Example by example, L_i = T + (exp(tilt (l_i - T)) - 1) / tilt with T the tilted risk, which is their mean [ours].

    The optimised certainty equivalent whose minimising threshold is T itself; there is no other threshold to choose.
    """
    return Transform(_tilt, knobs=(TILT,))


def _tilt(hyper: Hyper, losses: Losses, threshold: Tensor) -> Transformed:
    tilt = hyper["tilt"].clamp_min(SMALLEST_TILT)
    top = _largest(losses)
    value = losses.value.clamp_max(top)  # what lies above carries no weight, and must not overflow either
    # log-sum-exp about the largest loss; by expm1 and log1p, so that it ends at the mean where the tilt goes to 0
    total = (losses.weight * torch.expm1(tilt * (value - top))).sum().clamp_min(torch.finfo(value.dtype).eps - 1)
    whole = top + torch.log1p(total) / tilt
    return Transformed(whole, losses._replace(value=whole + torch.expm1(tilt * (value - whole)) / tilt))


def _largest(losses: Losses) -> Tensor:
    """The largest loss that has a weight, held constant."""
    value = losses.value.detach()
    return torch.where(losses.weight > 0, value, value.amin()).amax()
