"""Multinomial logistic regression on frozen features, the linear probe of the literature: many problems at once, in float64."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

TOLERANCE = 1e-4
"""Largest entry of the gradient at which a problem counts as solved, as in scikit-learn."""

ITERATIONS, MEMORY, HALVINGS = 200, 10, 20
"""Steps at most; steps whose curvature is remembered; times that a step is halved at most."""

SUFFICIENT = 1e-4
"""Share of the slope by which a step must descend."""


class Linear(NamedTuple):
    """Linear classifiers: weights (..., classes, width) and biases (..., classes)."""

    weight: Tensor
    bias: Tensor


def fitted(features: Tensor, y: Tensor, classes: int, strengths: Sequence[float], tolerance: float = TOLERANCE) -> Linear:
    """The minimisers of mean cross-entropy + strength / 2 ||weight||^2, biases free.

    L-BFGS with halving steps, in the basis where the features' covariance is diagonal and from the bound of Bohning's: the Hessian lies
    below (covariance / 2 + strength), which is the first guess of its inverse. Problems stop one by one, so that none depends on
    its neighbours. scikit-learn's C is 1 / (n strength).

    Args:
        features: (problems, n, width) in float64.
        y: Class indices, (problems, n).
        classes: How many classes; some may be missing in `y`.
        strengths: S of them, positive.
        tolerance: Largest entry of the gradient at which a problem counts as solved.

    Returns:
        Classifiers (problems, S); nan throughout where features are not finite.

    References:
        Bohning, "Multinomial logistic regression algorithm", 1992, Annals of the Institute of Statistical Mathematics 44.
        Nocedal & Wright, "Numerical Optimization", 2006, algorithm 7.4.
    """
    finite = features.isfinite().flatten(1).all(1)
    centre = features.mean(1, keepdim=True)
    x = torch.where(finite[:, None, None], features - centre, 0)
    spread, basis = torch.linalg.eigh(x.transpose(1, 2) @ x / x.shape[1])
    rotated = torch.cat([x @ basis, torch.ones_like(x[..., :1])], dim=-1)
    penalty = torch.tensor([*strengths], dtype=x.dtype, device=x.device)
    decay = penalty[:, None].repeat(1, rotated.shape[-1])
    decay[:, -1] = 0
    one = torch.ones_like(spread[:, None, :1])
    bound = torch.cat([spread[:, None], one], dim=-1) / 2 + decay
    solved = _minimised(rotated, y, classes, decay, 1 / bound[:, :, None], tolerance)
    weight = solved[..., :-1] @ basis[:, None].transpose(2, 3)
    bias = solved[..., -1] - (weight * centre[:, None]).sum(-1)
    return Linear(*(torch.where(finite.view(-1, *[1] * (part.dim() - 1)), part, torch.nan) for part in (weight, bias)))


def logits(classifier: Linear, features: Tensor) -> Tensor:
    """(..., n, classes) of features (..., n, width)."""
    return features @ classifier.weight.transpose(-1, -2) + classifier.bias[..., None, :]


def _minimised(x: Tensor, y: Tensor, classes: int, decay: Tensor, inverse: Tensor, tolerance: float) -> Tensor:
    """The weights (problems, S, classes, width + 1), from zeros.

    Args:
        x: Features and a column of ones, (problems, n, width + 1).
        y: (problems, n).
        classes: C.
        decay: Strength on each column, (S, width + 1).
        inverse: First guess of the inverse Hessian, (problems, S, 1, width + 1).
        tolerance: As in `fitted`.
    """
    target = (y[..., None] == torch.arange(classes, device=y.device)).to(x.dtype)
    w = torch.zeros((len(x), len(decay), classes, x.shape[-1]), dtype=x.dtype, device=x.device)
    value, gradient = _risk(w, x, target, decay)
    steps: list[Tensor] = []
    turns: list[Tensor] = []
    for _ in range(ITERATIONS):
        going = gradient.abs().amax((2, 3)) > tolerance
        if not going.any():
            break
        direction = -_bent(gradient, steps, turns, inverse)
        there, new_value, new_gradient = _descended(w, value, direction, gradient, going, (x, target, decay))
        steps, turns = [*steps, there - w][-MEMORY:], [*turns, new_gradient - gradient][-MEMORY:]
        w, value, gradient = there, new_value, new_gradient
    return w


def _descended(
    w: Tensor, value: Tensor, direction: Tensor, gradient: Tensor, going: Tensor, problem: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """A step of each problem, halved until it descends enough, 0 where it has stopped: weights, value and gradient there."""
    length, slope = going.to(value.dtype), (gradient * direction).sum((2, 3))
    enough = torch.zeros_like(going)
    for _ in range(HALVINGS):
        there = w + length[..., None, None] * direction
        found = _risk(there, *problem)
        enough = found[0] <= value + SUFFICIENT * length * slope + torch.finfo(value.dtype).eps * value.abs()
        if enough.all():
            return there, *found
        length = torch.where(enough, length, length / 2)
    there = w + torch.where(enough, length, 0)[..., None, None] * direction
    return there, *_risk(there, *problem)


def _risk(w: Tensor, x: Tensor, target: Tensor, decay: Tensor) -> tuple[Tensor, Tensor]:
    """Value (problems, S) and gradient (problems, S, C, width + 1), all strengths of a problem in one product of matrices."""
    count, classes = w.shape[1:3]
    scores = (x @ w.flatten(1, 2).transpose(1, 2)).unflatten(-1, (count, classes))
    logs = scores.log_softmax(-1)
    value = -(logs * target[:, :, None]).sum(-1).mean(1) + (decay[:, None] * w * w).sum((2, 3)) / 2
    off = (logs.exp() - target[:, :, None]).flatten(2)
    return value, (off.transpose(1, 2) @ x).unflatten(1, (count, classes)) / x.shape[1] + decay[:, None] * w


def _bent(gradient: Tensor, steps: Sequence[Tensor], turns: Sequence[Tensor], inverse: Tensor) -> Tensor:
    """The gradient times L-BFGS' inverse Hessian, problem by problem; a step of length 0, where one has stopped, counts for nothing."""
    found, shares = gradient, []
    curvatures = [(step * turn).sum((2, 3), keepdim=True) for step, turn in zip(steps, turns, strict=True)]
    inverses = [torch.where(curvature > 0, 1 / curvature.clamp_min(1e-300), 0) for curvature in curvatures]
    for step, turn, over in zip(reversed(steps), reversed(turns), reversed(inverses), strict=True):
        share = over * (step * found).sum((2, 3), keepdim=True)
        found = found - share * turn
        shares.append(share)
    found = inverse * found
    if steps:
        turned = (turns[-1] * inverse * turns[-1]).sum((2, 3), keepdim=True)
        found = found * torch.where(turned > 0, curvatures[-1] / turned.clamp_min(1e-300), 1)
    for step, turn, over, share in zip(steps, turns, inverses, reversed(shares), strict=True):
        found = found + step * (share - over * (turn * found).sum((2, 3), keepdim=True))
    return found
