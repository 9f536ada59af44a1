"""SharpDRO: descend the mean loss and, beside it, the sharpness of the groups that fare worst."""

import math

import torch
from torch import Tensor
from torch.func import grad_and_value

from trainables import tree
from trainables.axes import Gradient, Hyper, Losses, Model, Net, Objective, Params, Perturbation, Recipe, Scalars, State, Transition
from trainables.crossentropy import one_hot
from trainables.draws import Streams
from trainables.knob import Knob
from trainables.perturbation.ascent import steepest
from trainables.perturbation.radius import SAM_RHO
from trainables.perturbation.sharpness import rise
from trainables.perturbation.unperturbed import descend

GROUP_STEP = Knob(
    "group_step",
    search=(1e-3, 1e-1),
    default=0.01,
    legal=(0.0, 10.0),
    log=True,
    meaning="step of the groups' weights: q_d grows by exp(group_step * mean loss of group d)",
    source="Huang 2023: 0.01 in the released code [read]; range ours",
)


def sharpdro() -> Perturbation:
    """SharpDRO: the mean loss plus the sharpness of each group, weighted towards groups of high loss.

        e = rho g / (||g|| + 1e-12),  g = grad L(w);    s_i = l_i(w + e) - l_i(w);  S_d, L_d the means of s_i and l_i(w) over group d
        q_d <- q_d exp(group_step L_d), normalised;    gradient = g + grad sum_d q_d S_d at w + e

    The weights of groups present in the batch are normalised to the sum that they had: a group absent from a batch keeps its weight,
    where the released code lets it decay. A mixed example counts for the group of its first part; a criterion other than the mean
    acts on g only.

    The gradient is about the sum of two, that at w and that at w + e, as in the released code: up to twice as long as SAM's.
    On a net without batch norm it therefore wants a smaller learning rate than the other methods.
    Two forward and two backward passes.

    References:
        Huang et al., "Robust Generalization against Photon-Limited Corruptions via Worst-Case Sharpness Minimization", 2023, CVPR, and the
        authors' code [read].
    """
    return Perturbation((gradient,), init=init, adapts=(adapt,), watch=watch, knobs=(SAM_RHO, GROUP_STEP), needs=frozenset({"group"}))


def init(stream: Streams, hyper: Hyper, net: Net, model: Model) -> State:
    """Equal weights (groups,), kept as logarithms: over thousands of steps a weight may fall below what a float holds."""
    return {"log_weights": torch.full_like(hyper["rho"], -math.log(net.groups)).repeat(net.groups)}


def gradient(state: State, hyper: Hyper, recipe: Recipe, objective: Objective, params: Params) -> Gradient:
    """The gradient at w plus that of the weighted groups' sharpness at w + e."""
    first, losses, buffers = descend(objective, params)
    there = tree.add(params, steepest(first), hyper["rho"])
    member = one_hot(objective.group, state["log_weights"].shape[0], losses.value.dtype)
    means = group_means(losses, member)
    log_weights = raised(state["log_weights"], hyper["group_step"] * means, member.sum(0) > 0)

    def groups_sharpness(at: Params) -> tuple[Tensor, Losses]:
        seen, _ = objective.losses(at)
        return (log_weights.exp() * (group_means(seen, member) - means)).sum(), seen

    second, (_, perturbed) = grad_and_value(groups_sharpness, has_aux=True)(there)
    return Gradient(tree.add(first, second), losses, buffers, {"perturbed": perturbed, "log_weights": log_weights})


def group_means(losses: Losses, member: Tensor) -> Tensor:
    """Mean loss of each group (groups,), member (B, groups) with a 1 where an example belongs; 0 for an absent group.

    Losses beyond the batch belong to no group.
    """
    return (losses.value[: member.shape[0], None] * member).sum(0) / member.sum(0).clamp_min(1.0)


def raised(log_weights: Tensor, by: Tensor, present: Tensor) -> Tensor:
    """log_weights + by, scaled so that the present groups keep the sum of their weights; absent groups keep theirs. All (groups,)."""
    grown = log_weights + by
    scale = _log_sum(log_weights, present) - _log_sum(grown, present)
    return torch.where(present, grown + scale, log_weights)


def _log_sum(log_weights: Tensor, present: Tensor) -> Tensor:
    return torch.where(present, log_weights, -math.inf).logsumexp(0)


def adapt(state: State, hyper: Hyper, net: Net, transition: Transition) -> State:
    """The weights that the step used."""
    return {"log_weights": transition.gradient.trace["log_weights"]}


def watch(state: State, hyper: Hyper, transition: Transition) -> Scalars:
    """Sharpness of the batch, and every group's weight."""
    return {"sharpness": rise(transition)} | {
        f"group_weight_{number}": weight for number, weight in enumerate(state["log_weights"].exp().unbind())
    }
