"""Directions of steepest ascent at unit radius: where the loss rises fastest, as SAM and ASAM measure distance."""

from collections.abc import Callable

import torch

from trainables import tree
from trainables.axes import Params

Ascent = Callable[[Params, Params], Params]
"""(gradient, weights) -> the perturbation at radius 1."""

ELEMENTWISE_FLOOR = 0.01
"""ASAM's eta: keeps small weights movable [read: Kwon 2021, section 5]."""


def sam(gradient: Params, params: Params) -> Params:
    """g / (||g|| + 1e-12), the norm joint over all tensors of the member; 0 for a zero gradient.

    References:
        Foret et al., "Sharpness-Aware Minimization", 2021, arXiv 2010.01412, equation 2 [read].
    """
    return tree.scale(gradient, 1 / (safe_norm(gradient) + 1e-12))


def asam(gradient: Params, params: Params, floor: float = ELEMENTWISE_FLOOR) -> Params:
    """T^2 g / (||T g|| + 1e-16), T = |w| + floor for weights (names ending in `weight`) and 1 for the rest.

    Invariant to rescalings of the weights that leave the network's function as it is (where floor is 0).

    References:
        Kwon et al., "ASAM", 2021, arXiv 2102.11600, equation 7 and the authors' code [read].
    """
    scaled = {name: size(name, params[name], floor) * value for name, value in gradient.items()}
    inverse = 1 / (safe_norm(scaled) + 1e-16)
    return {name: inverse * size(name, params[name], floor) * value for name, value in scaled.items()}


def size(name: str, weight: torch.Tensor, floor: float) -> torch.Tensor:
    """ASAM's T for one tensor."""
    return weight.abs() + floor if name.endswith("weight") else torch.ones_like(weight)


def safe_norm(gradient: Params) -> torch.Tensor:
    """The joint norm, whose own derivative at 0 is 0 instead of nan."""
    square = tree.dot(gradient, gradient)
    positive = square > 0
    return torch.where(positive, torch.where(positive, square, 1.0).sqrt(), 0.0)
