"""LETS: learn the radius from the gap between the losses of a held-out and the training batch."""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.func import grad, grad_and_value

from trainables import tree
from trainables.axes import Hyper, Model, Net, Params, Scalars, State, Transition
from trainables.draws import Streams
from trainables.knob import Knob
from trainables.perturbation.radius import SAM_RHO, Along, Radius

Choice = TypeVar("Choice")

RADIUS_STEP = Knob(
    "radius_step",
    search=(1e-4, 1e-1),
    default=1e-2,
    legal=(0.0, 10.0),
    log=True,
    meaning="step of the learned radius: of its logarithm where positivity is exponential, of itself where it is clamp; 0 learns nothing",
    source="ours",
)
RADIUS_FLOOR = 1e-4
"""Below this the clamped radius does not fall, unless it began below [ours]."""

MEAN_DECAY, SIZE_DECAY = 0.9, 0.999
"""Adam's betas on the logarithm of the radius."""


class Positivity(NamedTuple):
    """How the radius stays positive: start(hyper) -> state; read(state, hyper) -> radius; step(state, hyper, dJ/drho) -> state."""

    start: Callable[[Hyper], State]
    read: Callable[[State, Hyper], Tensor]
    step: Callable[[State, Hyper, Tensor], State]


def lets(rho: Knob = SAM_RHO, hypergradient: str = "diagonal", positivity: str = "exponential", every: int = 1) -> Radius:
    """The radius that shrinks the generalisation gap, learned beside the weights.

        J(rho) = (L_probe(w'(rho)) - L_train(w'(rho)))^2 / 2,    w'(rho) the weights after the step

    Both losses are plain mean cross-entropies without augmentation, which would be on the training side alone. Everything but rho is
    held constant, and w' is the step that was taken: the derivative is that of SGD, with or without momentum and decay, and a
    stand-in under other optimisers.

    Args:
        rho: Knob of the radius at the start.
        hypergradient: "diagonal" or "exact", the functions of this module.
        positivity: "exponential" (Adam on the logarithm), "exponential-plain" (plain descent on it) or "clamp" (plain descent on
            the radius, cut off at a floor).
        every: Steps from one lesson to the next, the last of which learns.

    Raises:
        ValueError: If an option is none of these.

    References:
        Wang et al., "Enhancing Sharpness-Aware Minimization by Learning Perturbation Radius", 2024, arXiv 2408.08222: the objective is
        `read`, the exact hypergradient `derived`, the rest `ours`.
    """
    slope = _one_of("hypergradient", hypergradient, HYPERGRADIENTS)
    kept = _one_of("positivity", positivity, POSITIVITIES)
    if every < 1:
        raise ValueError(f"every must be a number of steps from 1 up, got {every}")

    def learn(state: State, hyper: Hyper, transition: Transition, along: Along) -> State:
        return kept.step(state, hyper, slope(transition, along, kept.read(state, hyper)))

    def init(stream: Streams, hyper: Hyper, net: Net, model: Model) -> State:
        return kept.start(hyper)

    def watch(state: State, hyper: Hyper, transition: Transition) -> Scalars:
        return {"radius": kept.read(state, hyper)}

    return Radius(kept.read, (rho, RADIUS_STEP), init, learn, every, watch, frozenset({"probe", "clean"}))


def diagonal(transition: Transition, along: Along, radius: Tensor) -> Tensor:
    """dJ/drho with squared gradients for the Hessian: -lr gap sum_k d_k g_k^2 u_k [ours].

    g is the gradient at the perturbed weights, u the unit perturbation, gap and d as in `gap`. One forward and one backward pass of
    two batches.
    """
    difference, value = gap(transition)
    terms = tree.map(_weighted_sum, difference, transition.gradient.value, transition.gradient.trace["direction"])
    return -transition.lr * value * torch.stack([term for _, term in tree.leaves(terms)]).sum()


def exact(transition: Transition, along: Along, radius: Tensor) -> Tensor:
    """dJ/drho as it is: -lr gap d^T (dg/drho), where dg/drho is H u under SAM [derived].

    d . g(rho) is differentiated in reverse: as exact as a Jacobian-vector product of g and faster (CNN, 8 members: 0.29 s for 0.34 s),
    without the forward rules that some layers lack.
    """
    difference, value = gap(transition)
    return -transition.lr * value * grad(lambda length: tree.dot(difference, along(length)))(radius)


def gap(transition: Transition) -> tuple[Params, Tensor]:
    """(d, gap): L_probe - L_train at the new weights and its gradient there."""

    def difference(params: Params) -> Tensor:
        return transition.probe.losses(params)[0].mean() - transition.plain.losses(params)[0].mean()

    return grad_and_value(difference)(transition.after.params)


def _weighted_sum(difference: Tensor, gradient: Tensor, direction: Tensor) -> Tensor:
    """sum_k d_k g_k^2 u_k over one tensor; tensor by tensor, so that no copy of all weights is made."""
    return (difference * gradient * gradient * direction).sum()


def adam_on_logarithm() -> Positivity:
    """radius = rho exp(nu), nu from 0 by Adam on dJ/dnu = radius dJ/drho; without Adam's floor on its denominator.

    nu starts at 0 instead of log(rho), so that the radius is rho to the last bit until it learns. With squared gradients dJ/dnu measures
    1e-6 (MLP) and 1e-7 (CNN) on digits, too near to Adam's usual floor of 1e-8 to leave steps of one size on both; the second moment
    is kept as its root, which does not underflow.
    """

    def start(hyper: Hyper) -> State:
        return {name: torch.zeros_like(hyper["rho"]) for name in ("shift", "mean", "size", "count")}

    def step(state: State, hyper: Hyper, slope: Tensor) -> State:
        rate = _on_logarithm(state, hyper) * slope
        count = state["count"] + 1
        mean = MEAN_DECAY * state["mean"] + (1 - MEAN_DECAY) * rate
        size = torch.hypot(math.sqrt(SIZE_DECAY) * state["size"], math.sqrt(1 - SIZE_DECAY) * rate)
        move = mean / (1 - MEAN_DECAY**count) / (size / (1 - SIZE_DECAY**count).sqrt() + torch.finfo(size.dtype).tiny)
        return {"shift": state["shift"] - hyper["radius_step"] * move, "mean": mean, "size": size, "count": count}

    return Positivity(start, _on_logarithm, step)


def plain_on_logarithm() -> Positivity:
    """radius = rho exp(nu), nu <- nu - radius_step radius dJ/drho."""

    def step(state: State, hyper: Hyper, slope: Tensor) -> State:
        return {"shift": state["shift"] - hyper["radius_step"] * _on_logarithm(state, hyper) * slope}

    return Positivity(lambda hyper: {"shift": torch.zeros_like(hyper["rho"])}, _on_logarithm, step)


def clamped() -> Positivity:
    """radius <- max(radius - radius_step dJ/drho, floor)."""

    def step(state: State, hyper: Hyper, slope: Tensor) -> State:
        floor = hyper["rho"].clamp_max(RADIUS_FLOOR)
        return {"radius": torch.maximum(state["radius"] - hyper["radius_step"] * slope, floor)}

    return Positivity(lambda hyper: {"radius": hyper["rho"].clone()}, lambda state, hyper: state["radius"], step)


def _on_logarithm(state: State, hyper: Hyper) -> Tensor:
    return hyper["rho"] * state["shift"].exp()


HYPERGRADIENTS: dict[str, Callable[[Transition, Along, Tensor], Tensor]] = {"diagonal": diagonal, "exact": exact}
POSITIVITIES = {"exponential": adam_on_logarithm(), "exponential-plain": plain_on_logarithm(), "clamp": clamped()}


def _one_of(option: str, name: str, table: dict[str, Choice]) -> Choice:
    if name not in table:
        raise ValueError(f"{option} must be one of {', '.join(table)}, got {name!r}")
    return table[name]
