"""What to descend once the perturbed weights are known: the whole batch, or parts of it told apart by their sharpness."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import grad, grad_and_value

from trainables import tree
from trainables.axes import Hyper, Losses, Objective, Params
from trainables.knob import Knob
from trainables.perturbation.unperturbed import descend

GAMMA = Knob(
    "gamma",
    search=(0.1, 0.9),
    default=0.5,
    legal=(0.0, 1.0),
    meaning="share of the batch, the examples whose loss rises most, that counts as sensitive",
    source="G-Mix's partition: ours; ESAM: 0.5, Du 2022's released code [read]; range ours",
)


class Descent(NamedTuple):
    """What to descend.

    Attributes:
        gradient: (hyper, objective, w, w + e, losses at w) -> (gradient to apply, losses at w + e).
        knobs, needs: As in `Perturbation`.
    """

    gradient: Callable[[Hyper, Objective, Params, Params, Losses], tuple[Params, Losses]]
    knobs: tuple[Knob, ...] = ()
    needs: frozenset[str] = frozenset()


def whole() -> Descent:
    """The gradient of the whole batch's risk at w + e: SAM proper. One forward and one backward pass."""
    return Descent(whole_gradient)


def sensitive() -> Descent:
    """ESAM's selection: the gradient at w + e of the risk over the sensitive examples. One forward and one backward pass."""
    return Descent(sensitive_gradient, (GAMMA,))


def binary() -> Descent:
    """BG-Mix: sensitive examples keep their mixed loss at w + e, the others take their unmixed cross-entropy at w.

    gradient = d risk(l) / dw with l_i = mixed_i(w + e) where i is sensitive, else unmixed_i(w); under the mean,
    (sum over sensitive at w + e + sum over the others at w) / B. Losses beyond the batch (SynerMix's, one a class) stay at w + e.
    Two forward and two backward passes.
    """
    return Descent(binary_gradient, (GAMMA,), frozenset({"mixing"}))


def decomposed() -> Descent:
    """DG-Mix: the sensitive examples' gradient at w + e, and of the others' gradient at w what is orthogonal to it.

    gradient = g_S + g_N - (g_N . g_S / g_S . g_S) g_S, each of them the gradient of the risk over its part alone.
    Two forward and two backward passes.
    """
    return Descent(decomposed_gradient, (GAMMA,))


def whole_gradient(hyper: Hyper, objective: Objective, params: Params, there: Params, losses: Losses) -> tuple[Params, Losses]:
    """`whole`'s gradient."""
    value, perturbed, _ = descend(objective, there)
    return value, perturbed


def sensitive_gradient(hyper: Hyper, objective: Objective, params: Params, there: Params, losses: Losses) -> tuple[Params, Losses]:
    """`sensitive`'s gradient."""
    value, perturbed, _ = _over_sensitive(hyper, objective, there, losses)
    return value, perturbed


def binary_gradient(hyper: Hyper, objective: Objective, params: Params, there: Params, losses: Losses) -> tuple[Params, Losses]:
    """`binary`'s gradient."""

    def risk(perturbed: Params, own: Params) -> tuple[Tensor, Losses]:
        mixed, _ = objective.losses(perturbed)
        unmixed = objective.unmixed(own).value
        batch = unmixed.shape[0]
        chosen = most_sensitive((mixed.value - losses.value)[:batch], hyper["gamma"])
        value = torch.cat([torch.where(chosen, mixed.value[:batch], unmixed), mixed.value[batch:]])
        return objective.risk(Losses(value, mixed.weight)), mixed

    (at_perturbed, at_own), (_, mixed) = grad_and_value(risk, argnums=(0, 1), has_aux=True)(there, params)
    return tree.add(at_perturbed, at_own), mixed


def decomposed_gradient(hyper: Hyper, objective: Objective, params: Params, there: Params, losses: Losses) -> tuple[Params, Losses]:
    """`decomposed`'s gradient."""
    steep, perturbed, chosen = _over_sensitive(hyper, objective, there, losses)
    flat = grad(lambda weights: part_risk(objective, objective.losses(weights)[0], ~chosen))(params)
    return tree.add(steep, orthogonal(flat, steep)), perturbed


def most_sensitive(rise: Tensor, share: Tensor) -> Tensor:
    """Whether each entry of `rise` (n,) is among the round(share n) largest; of equal entries the earlier is taken first."""
    rank = rise.argsort(descending=True, stable=True).argsort()
    return rank < (share * rise.shape[0]).round()


def part_risk(objective: Objective, losses: Losses, chosen: Tensor) -> Tensor:
    """The risk over the chosen losses (n,) alone, their weights scaled to sum to 1; 0, gradient and all, where none is chosen."""
    weight = losses.weight * chosen
    total = weight.sum()
    some = total > 0
    share = torch.where(some, weight / torch.where(some, total, 1.0), losses.weight)
    return objective.risk(Losses(losses.value, share)) * some


def orthogonal(vector: Params, axis: Params) -> Params:
    """`vector` without its component along `axis`; as it is where `axis` is 0."""
    square = tree.dot(axis, axis)
    along = torch.where(square > 0, tree.dot(vector, axis) / torch.where(square > 0, square, 1.0), 0.0)
    return tree.add(vector, axis, -along)


def _over_sensitive(hyper: Hyper, objective: Objective, there: Params, losses: Losses) -> tuple[Params, Losses, Tensor]:
    """Gradient at w + e over the sensitive examples, all losses there, and which examples are sensitive."""

    def risk(weights: Params) -> tuple[Tensor, tuple[Losses, Tensor]]:
        seen, _ = objective.losses(weights)
        chosen = most_sensitive(seen.value - losses.value, hyper["gamma"])
        return part_risk(objective, seen, chosen), (seen, chosen)

    value, (_, (seen, chosen)) = grad_and_value(risk, has_aux=True)(there)
    return value, seen, chosen
