"""The mean of the losses: empirical risk."""

from torch import Tensor

from trainables.axes import Criterion, Hyper, Losses
from trainables.criterion.family import Transform, Transformed, compose


def mean() -> Criterion:
    """The mean of the losses: empirical risk, where nothing else is chosen.

        risk = sum_i weight_i l_i

    weight_i = 1/n, unless a mixing weights its losses.
    """
    return compose(identity())


def identity() -> Transform:
    """The losses as they are; without a tail, and so without a threshold."""
    return Transform(_as_they_are)


def _as_they_are(hyper: Hyper, losses: Losses, threshold: Tensor) -> Transformed:
    return Transformed(losses.mean(), losses)
