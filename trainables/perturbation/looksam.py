"""LookSAM: SAM's second gradient every few steps, its flat direction reused in between."""

import torch
from torch import Tensor

from trainables import tree
from trainables.axes import Gradient, Hyper, Model, Net, Objective, Params, Perturbation, Recipe, Scalars, State, Transition, unchanged
from trainables.draws import Streams
from trainables.knob import Knob
from trainables.perturbation.ascent import steepest
from trainables.perturbation.descent import orthogonal
from trainables.perturbation.radius import SAM_RHO
from trainables.perturbation.sharpness import rise
from trainables.perturbation.unperturbed import descend

REUSE = Knob(
    "reuse",
    search=(0.1, 1.0),
    default=0.7,
    legal=(0.0, 100.0),
    meaning="length of the reused direction, relative to the gradient it is added to",
    source="Liu 2022: alpha 0.7 [read]; range ours",
)


def looksam(every: int = 5) -> Perturbation:
    """LookSAM: SAM every `every`-th step; in between, the gradient at w plus what SAM had added orthogonally to it.

        every-th step:  gradient = g2 = grad L(w + e),  kept = g2 - (g2 . g1 / g1 . g1) g1,  g1 = grad L(w)
        other steps:    gradient = g1 + reuse (||g1|| / ||kept||) kept

    One and 1 / `every` forward and backward passes a step. `sharpness` is that of the last step that looked.

    Args:
        every: Steps from one look to the next; 1 is SAM.

    Raises:
        ValueError: If `every` is below 1.

    References:
        Liu et al., "Towards Efficient and Scalable Sharpness-Aware Minimization", 2022, arXiv 2203.02714, algorithm 1 [read].
    """
    if every < 1:
        raise ValueError(f"every must be a number of steps from 1 up, got {every}")
    return Perturbation(
        gradients=(look,) + (reuse,) * (every - 1),
        adapts=(remember,) + (unchanged,) * (every - 1),
        init=init,
        watch=watch,
        knobs=(SAM_RHO, REUSE),
    )


def init(stream: Streams, hyper: Hyper, net: Net, model: Model) -> State:
    """Nothing kept, no sharpness seen."""
    return {"kept": tree.map(torch.zeros_like, model.params), "sharpness": torch.zeros_like(hyper["rho"])}


def look(state: State, hyper: Hyper, recipe: Recipe, objective: Objective, params: Params) -> Gradient:
    """SAM's gradient; its part orthogonal to the gradient at w goes into the trace."""
    first, losses, buffers = descend(objective, params)
    second, perturbed, _ = descend(objective, tree.add(params, steepest(first), hyper["rho"]))
    return Gradient(second, losses, buffers, {"perturbed": perturbed, "kept": orthogonal(second, first)})


def reuse(state: State, hyper: Hyper, recipe: Recipe, objective: Objective, params: Params) -> Gradient:
    """The gradient at w and the direction kept from the last look, scaled to it."""
    first, losses, buffers = descend(objective, params)
    length = hyper["reuse"] * ratio(tree.norm(first), tree.norm(state["kept"]))
    return Gradient(tree.add(first, state["kept"], length), losses, buffers, {})


def remember(state: State, hyper: Hyper, net: Net, transition: Transition) -> State:
    """What a look leaves for the steps to come."""
    return {"kept": transition.gradient.trace["kept"], "sharpness": rise(transition)}


def watch(state: State, hyper: Hyper, transition: Transition) -> Scalars:
    """Sharpness at the last look."""
    return {"sharpness": state["sharpness"]}


def ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """numerator / denominator, 0 where the denominator is 0."""
    positive = denominator > 0
    return torch.where(positive, numerator / torch.where(positive, denominator, 1.0), 0.0)
