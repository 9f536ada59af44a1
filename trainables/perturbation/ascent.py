"""Directions of steepest ascent at unit radius: where the loss rises fastest, as SAM, ASAM and ESAM measure distance."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from trainables import tree
from trainables.axes import Hyper, Params, Recipe, draws_nothing
from trainables.draws import Streams
from trainables.knob import Knob

ELEMENTWISE_FLOOR = 0.01
"""ASAM's eta: keeps small weights movable [read: Kwon 2021, section 5]."""

PERTURBED_SHARE = Knob(
    "perturbed_share",
    search=(0.3, 0.9),
    default=0.6,
    legal=(0.01, 1.0),
    meaning="chance of each weight tensor to be perturbed in a step",
    source="Du 2022: beta 0.6 for ResNet-18 on CIFAR in the released code [read]; range ours",
)


class Ascent(NamedTuple):
    """Which way to climb.

    Attributes:
        direction: (hyper, recipe, gradient at w, w) -> the perturbation at radius 1.
        draw, knobs: As in `Perturbation`.
    """

    direction: Callable[[Hyper, Recipe, Params, Params], Params]
    draw: Callable[[Streams, Mapping[str, float], int, int, Params], Recipe] = draws_nothing
    knobs: tuple[Knob, ...] = ()


def sam() -> Ascent:
    """Along the gradient, at Euclidean length 1."""
    return Ascent(lambda hyper, recipe, gradient, params: steepest(gradient))


def asam() -> Ascent:
    """Along the gradient as the weights' own size scales it."""
    return Ascent(lambda hyper, recipe, gradient, params: adaptive(gradient, params))


def thinned(ascent: Ascent) -> Ascent:
    """A random part of another ascent: each weight tensor takes part with the chance `perturbed_share` and is then divided by it.

    One draw a member, step and tensor. The norm stays that of the whole gradient, so that the expected perturbation is the other
    ascent's; the released code takes it over the perturbed tensors alone.

    References:
        Du et al., "Efficient Sharpness-aware Minimization", 2022, arXiv 2110.03141, stochastic weight perturbation [read: code].
    """

    def draw(stream: Streams, knobs: Mapping[str, float], steps: int, size: int, params: Params) -> Recipe:
        chosen = stream("perturbed-tensors").random((steps, len(params))) < knobs["perturbed_share"]
        return ascent.draw(stream, knobs, steps, size, params) | {"perturbed_tensors": torch.from_numpy(chosen)}

    def direction(hyper: Hyper, recipe: Recipe, gradient: Params, params: Params) -> Params:
        whole = ascent.direction(hyper, recipe, gradient, params)
        chosen = dict(zip(sorted(params), recipe["perturbed_tensors"].unbind(), strict=True))
        return {name: chosen[name] / hyper["perturbed_share"] * value for name, value in whole.items()}

    return Ascent(direction, draw, (*ascent.knobs, PERTURBED_SHARE))


def steepest(gradient: Params) -> Params:
    """g / (||g|| + 1e-12), the norm joint over all tensors of the member; 0 for a zero gradient.

    References:
        Foret et al., "Sharpness-Aware Minimization", 2021, arXiv 2010.01412, equation 2 [read].
    """
    return tree.scale(gradient, 1 / (tree.norm(gradient) + 1e-12))


def adaptive(gradient: Params, params: Params, floor: float = ELEMENTWISE_FLOOR) -> Params:
    """T^2 g / (||T g|| + 1e-16), T = |w| + floor for weights (names ending in `weight`) and 1 for the rest.

    Invariant to rescalings of the weights that leave the network's function as it is (where floor is 0).

    References:
        Kwon et al., "ASAM", 2021, arXiv 2102.11600, equation 7 and the authors' code [read].
    """
    scaled = {name: size(name, params[name], floor) * value for name, value in gradient.items()}
    inverse = 1 / (tree.norm(scaled) + 1e-16)
    return {name: inverse * size(name, params[name], floor) * value for name, value in scaled.items()}


def size(name: str, weight: Tensor, floor: float) -> Tensor:
    """ASAM's T for one tensor."""
    return weight.abs() + floor if name.endswith("weight") else torch.ones_like(weight)
