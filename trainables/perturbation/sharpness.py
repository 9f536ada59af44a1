"""Sharpness-aware gradients, composed: which way to climb, how far, and what to descend from there."""

from collections.abc import Callable
from typing import NamedTuple

import torch

from trainables import tree
from trainables.axes import Gradient, Hyper, Losses, Objective, Params, Perturbation, Recipe, Scalars, State, Transition
from trainables.knob import Knob
from trainables.perturbation.ascent import Ascent, asam, sam
from trainables.perturbation.radius import ASAM_RHO, SAM_RHO, Radius, fixed
from trainables.perturbation.unperturbed import descend


class Descent(NamedTuple):
    """What to descend once the perturbed weights are known.

    Attributes:
        gradient: (hyper, objective, w, w + e, losses at w, gradient at w) -> (gradient to apply, losses at w + e).
        knobs: Its searchable numbers.
        needs: As in `Perturbation`.
    """

    gradient: Callable[[Hyper, Objective, Params, Params, Losses, Params], tuple[Params, Losses]]
    knobs: tuple[Knob, ...] = ()
    needs: frozenset[str] = frozenset()


def sharpness(ascent: Ascent, radius: Radius, descent: Descent) -> Perturbation:
    """Climb to w + e, e = radius * ascent(gradient at w), and return the descent's gradient from there.

    The two passes share batch, recipe and criterion. Running statistics come from the first pass only.
    Two forward and two backward passes with the descent `whole`.
    """

    def gradient(state: State, hyper: Hyper, recipe: Recipe, objective: Objective, params: Params) -> Gradient:
        first, losses, buffers = descend(objective, params)
        direction = ascent(first, params)
        there = tree.add(params, direction, radius.read(state, hyper))
        value, perturbed = descent.gradient(hyper, objective, params, there, losses, first)
        return Gradient(value, losses, buffers, {"direction": direction, "perturbed": perturbed})

    def watch(state: State, hyper: Hyper, transition: Transition) -> Scalars:
        return {"sharpness": rise(transition)} | radius.watch(state, hyper, transition)

    knobs, needs = radius.knobs + descent.knobs, radius.needs | descent.needs
    return Perturbation((gradient,), init=radius.init, adapts=radius.adapts, watch=watch, knobs=knobs, needs=needs)


def whole() -> Descent:
    """The gradient of the whole batch's risk at w + e: SAM proper."""

    def gradient(
        hyper: Hyper, objective: Objective, params: Params, there: Params, losses: Losses, first: Params
    ) -> tuple[Params, Losses]:
        value, perturbed, _ = descend(objective, there)
        return value, perturbed

    return Descent(gradient)


def sam_perturbation() -> Perturbation:
    """SAM: descend the worst loss within a ball of radius rho, approximated to first order.

        e = rho g / (||g|| + 1e-12),  g = grad L(w);    gradient = grad L(w + e)

    References:
        Foret et al., 2021, arXiv 2010.01412, equations 2 and 3 [read].
    """
    return sharpness(sam, fixed(SAM_RHO), whole())


def asam_perturbation() -> Perturbation:
    """ASAM: SAM in a ball that scales with the weights.

        e = rho T^2 g / (||T g|| + 1e-16),  T = |w| + 0.01 for weights, 1 for the rest;    gradient = grad L(w + e)

    References:
        Kwon et al., 2021, arXiv 2102.11600, equation 7 [read].
    """
    return sharpness(asam, fixed(ASAM_RHO), whole())


def rise(transition: Transition) -> torch.Tensor:
    """Mean loss at w + e minus mean loss at w, of the same (mixed) examples."""
    return transition.gradient.trace["perturbed"].mean() - transition.gradient.losses.mean()
