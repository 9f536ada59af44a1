"""chi2-DRO: the worst mean over all reweightings of the batch within a chi-squared ball."""

import torch
from torch import Tensor

from trainables.axes import Criterion, Hyper, Losses
from trainables.criterion.family import Transform, Transformed, compose, tiny
from trainables.criterion.threshold import CUTOFF, chosen
from trainables.knob import Knob

RADIUS = Knob(
    "chi2_radius",
    search=(0.1, 10.0),
    default=1.0,
    legal=(0.0, 1000.0),
    log=True,
    meaning="how far worst-case weights q may lie from equal ones: mean (n q - 1)^2 / 2; 0 is the mean",
    source="Levy 2020 [read]; Holland & Hamada 2024 use 10 [read]; default and range ours",
)


def chi2_dro(threshold: str = "quantile") -> Criterion:
    """Distributionally robust risk in a chi-squared ball, in its dual form.

        risk = theta + sqrt((1 + 2 chi2_radius) mean relu(l - theta)^2)

    Args:
        threshold: "quantile" has theta where it minimises this over the batch; the risk is then the largest mean that any reweighting q
            of the batch reaches with mean (n q - 1)^2 / 2 <= chi2_radius, and by the envelope theorem the gradient is the one with theta
            held. "fixed" has theta at `cutoff`. "learned" begins at 0 and steps down the risk's slope by `threshold_step`.

    References:
        Levy, Carmon, Duchi & Sidford, "Large-scale methods for distributionally robust optimization", 2020, arXiv 2010.05893, and
        their code [read]. Theta in closed form after a bisection over the ranks of the losses is ours [derived].
    """
    return compose(tail_spread(threshold, CUTOFF))


def tail_spread(threshold: str, cutoff: Knob | None = None) -> Transform:
    """The batch's root mean square above theta; example by example, L_i = theta + sqrt(1 + 2 radius) relu(l_i - theta).

    The pointwise form drops the mean under the root, as the released code of Holland & Hamada 2024 does [read]; its mean is at most
    the batch's value.
    """
    return Transform(_spread, chosen(threshold, _minimiser, cutoff), (RADIUS,))


def _spread(hyper: Hyper, losses: Losses, threshold: Tensor) -> Transformed:
    factor = (1 + 2 * hyper["chi2_radius"]).sqrt()
    excess = torch.relu(losses.value - threshold)
    each = losses._replace(value=threshold + factor * excess)
    return Transformed(threshold + factor * _root((losses.weight * excess**2).sum()), each)


def _minimiser(hyper: Hyper, losses: Losses) -> Tensor:
    """The theta at which the dual is smallest, with its exact derivative.

    Let the tail be the losses above theta, P their weight, m and v their mean and variance. Setting the slope of the dual to 0 gives
    theta = m - sqrt(v / ((1 + 2 radius) P - 1)). At radius 0 theta runs to minus infinity; the floor keeps it within what rounding bears.
    """
    factor = 1 + 2 * hyper["chi2_radius"]
    tail = losses.weight * (losses.value.detach() >= _tail_start(losses, factor))
    share = tail / tail.sum().clamp_min(tiny(tail))
    mean = (share * losses.value).sum()
    variance = (share * (losses.value - mean) ** 2).sum()
    return mean - _root(variance / (factor * tail.sum() - 1).clamp_min(torch.finfo(tail.dtype).eps))


def _tail_start(losses: Losses, factor: Tensor) -> Tensor:
    """The smallest loss from which the dual no longer falls, (1,): bisection over ranks, since its slope grows with theta."""
    value = losses.value.detach()
    ordered = value.sort().values
    last = value.shape[0] - 1
    low, high = torch.zeros_like(ordered[0], dtype=torch.long), torch.full_like(ordered[0], last, dtype=torch.long)
    for _ in range(last.bit_length()):
        middle = (low + high) // 2
        excess = torch.relu(value - ordered.gather(0, middle[None]))
        rises = (losses.weight * excess**2).sum() >= factor * (losses.weight * excess).sum() ** 2
        low, high = torch.where(rises, low, middle + 1), torch.where(rises, middle, high)
    return ordered.gather(0, high[None])


def _root(square: Tensor) -> Tensor:
    """The square root, whose own derivative at 0 is 0 instead of infinite."""
    positive = square > 0
    return torch.where(positive, torch.where(positive, square, 1.0).sqrt(), 0.0)
