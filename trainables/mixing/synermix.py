"""SynerMix: mix features within classes, beside mixing examples between classes."""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from trainables.axes import FEATURES, Batch, Buffers, Hyper, Losses, Mixing, Model, Net, Recipe, Scalars, State, Transition
from trainables.crossentropy import cross_entropy, one_hot, targets
from trainables.draws import Streams
from trainables.knob import Knob
from trainables.mixing.manifold import manifold_mixup
from trainables.mixing.mixup import mixup
from trainables.mixing.plain import plain

BETA = Knob(
    "beta",
    search=(0.02, 0.9),
    default=0.1,
    legal=(1e-6, 1.0),
    meaning="weight of the intra-class part; its smallest legal value is above 0, since beta 0 is the inter mixing itself: choose that",
    source="Xu 2024, the authors' code: 0.1 beside mixup and manifold mixup, 0.5 alone [read]; range ours",
)

INTERS: dict[str, Callable[[], Mixing]] = {"none": plain, "mixup": mixup, "manifold-mixup": manifold_mixup}
"""What may be mixed between classes."""


def synermix(
    inter: Literal["none", "mixup", "manifold-mixup"] = "mixup",
    intra: bool = True,
    pair_singletons: bool = False,
) -> Mixing:
    """One synthetic feature a class, beside mixing between classes.

        L = beta L_intra + (1 - beta) L_inter
        h~_c = sum_i w_i h_i over the batch's examples of class c,    w_i = u_i / sum u,    u_i ~ U(0, 1]
        L_intra = mean over the classes present of CE(head(h~_c), c)

    h are the features of the un-augmented inputs; gradients flow into them and into the head. L_inter is mixup, manifold mixup or plain
    cross-entropy of the augmented inputs. Two forward and two backward passes; the running statistics are the inter pass' and move
    once, where the authors' code lets both passes move them. At beta 1 the augmented inputs have no gradient, to the last bit.
    What the criterion sees: the B losses of the inter part, each with weight (1 - beta) / B, then one loss a class with weight
    beta / (classes present), 0 for an absent class.

    Args:
        inter: What is mixed between classes.
        intra: False is beta 0: the inter mixing itself, without the second pass. beta is a number of each member of a group, which
            cannot decide what is computed, so its range ends above 0 and 0 is this choice of structure.
        pair_singletons: Mix the only example of a class with another example of that class from the training split. The authors'
            sampler appends one to the batch of both parts; here the intra part alone sees it [ours], so that the batch stays that of every
            other mixing. Costs a larger intra pass: one more example for every class, used or not.

    Raises:
        ValueError: If `inter` is none of the three.

    References:
        Xu et al., "SynerMix: Synergistic Mixup Solution for Enhanced Intra-Class Cohesion and Inter-Class Separability", 2024,
        arXiv 2403.14137, and the authors' code [read].
    """
    if inter not in INTERS:
        raise ValueError(f"inter must be one of {', '.join(INTERS)}, got {inter!r}")
    between = INTERS[inter]()
    if not intra:
        return between

    def draw(stream: Streams, knobs: Mapping[str, float], steps: int, size: int, net: Net) -> Recipe:
        count = size + net.classes * pair_singletons
        return {**between.draw(stream, knobs, steps, size, net), "within": urns(stream("within"), steps, count)}

    def losses(state: State, hyper: Hyper, recipe: Recipe, net: Net, model: Model, batch: Batch) -> tuple[Losses, Buffers]:
        inter_losses, buffers = between.losses(state, hyper, recipe, net, model, batch)
        return joined(inter_losses, intra_losses(hyper, recipe, net, model, batch), hyper["beta"]), buffers

    beta = BETA._replace(default=0.5) if inter == "none" else BETA
    needs = frozenset({"clean", "mates"} if pair_singletons else {"clean"})
    return Mixing(draw=draw, losses=losses, watch=watch, knobs=(*between.knobs, beta), needs=between.needs | needs)


def synermix_intra(pair_singletons: bool = False) -> Mixing:
    """SynerMix's intra part beside plain cross-entropy: nothing is mixed between classes.

        L = beta L_intra + (1 - beta) mean over the batch of CE(f(x_i), y_i)
        h~_c = sum_i w_i h_i over the batch's examples of class c,    w_i = u_i / sum u,    u_i ~ U(0, 1]
        L_intra = mean over the classes present of CE(head(h~_c), c)

    h are the features of the un-augmented inputs. Two forward and two backward passes. What the criterion sees: as with `synermix`.

    Args:
        pair_singletons: As with `synermix`.

    References:
        Xu et al., 2024, arXiv 2403.14137, and the authors' code [read].
    """
    return synermix("none", pair_singletons=pair_singletons)


def synermix_manifold(pair_singletons: bool = False) -> Mixing:
    """SynerMix over manifold mixup.

        L = beta L_intra + (1 - beta) L_inter,    L_inter that of manifold mixup:
        h~_k = lambda h_k + (1 - lambda) h_k[pi],    k drawn in every step,    lambda ~ Beta(alpha, alpha)
        h~_c = sum_i w_i h_i over the batch's examples of class c,    w_i = u_i / sum u,    u_i ~ U(0, 1]
        L_intra = mean over the classes present of CE(head(h~_c), c)

    The intra part's h are the features of the un-augmented inputs. Two forward and two backward passes. What the criterion sees: as
    with `synermix`.

    Args:
        pair_singletons: As with `synermix`.

    References:
        Xu et al., 2024, arXiv 2403.14137, and the authors' code [read].
    """
    return synermix("manifold-mixup", pair_singletons=pair_singletons)


def urns(stream: np.random.Generator, steps: int, count: int) -> Tensor:
    """u ~ U(0, 1], (steps, count): never 0, so that a class of one example has a weight to divide by."""
    return torch.from_numpy(1 - stream.random((steps, count)))


def intra_losses(hyper: Hyper, recipe: Recipe, net: Net, model: Model, batch: Batch) -> Losses:
    """Cross-entropy of the synthetic feature of each class, (classes,); absent classes have weight 0."""
    share, present = shares(recipe["within"], batch.y, net.classes)
    x = batch.clean
    if isinstance(batch.mates, Tensor) and share.shape[0] > batch.y.shape[0]:
        x = torch.cat([x, batch.mates])

    def between(depth: int, hidden: Tensor) -> Tensor:
        return share.T.to(hidden.dtype) @ hidden if depth == FEATURES else hidden

    logits, _ = net.apply(model, x, between)
    classes = batch._replace(y=torch.arange(net.classes, device=batch.y.device))
    value = cross_entropy(logits, targets(classes, net, hyper, logits.dtype))
    weight = present.to(value.dtype)
    return Losses(value, weight / weight.sum())


def shares(drawn: Tensor, y: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Weight of each example in the synthetic feature of each class, and which classes the batch holds.

    Args:
        drawn: u of the batch's B examples, and of one mate a class where there are mates: (B,) or (B + classes,).
        y: Class indices (B,).
        classes: How many classes.

    Returns:
        Shares (B or B + classes, classes), each present class' column summing to 1, an absent class' to 0; presence (classes,).
    """
    belongs = one_hot(y, classes, drawn.dtype)
    count = belongs.sum(0)
    if drawn.shape[0] > y.shape[0]:
        belongs = torch.cat([belongs, torch.diag((count == 1).to(drawn.dtype))])
    weighted = belongs * drawn[:, None]
    return weighted / weighted.sum(0).clamp_min(torch.finfo(drawn.dtype).tiny), count > 0


def joined(inter: Losses, intra: Losses, beta: Tensor) -> Losses:
    """Both parts as one vector of losses, weighted (1 - beta) and beta."""
    return Losses(torch.cat([inter.value, intra.value]), torch.cat([(1 - beta) * inter.weight, beta * intra.weight]))


def watch(state: State, hyper: Hyper, transition: Transition) -> Scalars:
    """Mean loss of either part."""
    losses, size = transition.gradient.losses, transition.batch.y.shape[0]
    intra = (losses.value[size:] * losses.weight[size:]).sum() / hyper["beta"]
    return {"inter_loss": losses.value[:size].mean(), "intra_loss": intra}
