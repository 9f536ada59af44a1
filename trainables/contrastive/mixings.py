"""Mixings that need no labels: mixed first views are to find the second views of both their sources."""

from collections.abc import Callable
from functools import partial

from torch import Tensor

from trainables.axes import Batch, Buffers, Hyper, Losses, Mixing, Model, Net, Recipe, State
from trainables.contrastive.hosts import Host
from trainables.contrastive.infonce import mixed_info_nce
from trainables.contrastive.projection import embed, grown, stripped
from trainables.crossentropy import evenly
from trainables.knob import Knob
from trainables.mixing import cutmix as cutting
from trainables.mixing import manifold, mixup

MIX_WEIGHT = Knob(
    "mix_weight",
    search=(0.1, 2.0),
    default=1.0,
    legal=(0.0, 100.0),
    log=True,
    meaning="weight of the mixed InfoNCE beside the unmixed; 0 is training without mixing",
    source="ours",
)

Mixed = Callable[[Recipe, Net, Model, Batch], Tensor]
"""Embeddings of a batch's mixed first views, (B, width)."""


def contrastive_plain(host: Host, width: int) -> Mixing:
    """InfoNCE of two views of every example, unmixed. What the criterion sees: the batch's B losses, equally weighted."""

    def losses(state: State, hyper: Hyper, recipe: Recipe, net: Net, model: Model, batch: Batch) -> tuple[Losses, Buffers]:
        seen = host.see(state, net, model, batch)
        return evenly(seen.value), seen.buffers

    return hosted(host, width, lambda *arguments: {}, losses)


def contrastive_mixup(host: Host, width: int) -> Mixing:
    """InfoNCE beside that of mixed first views, which are to find both their sources' second views.

        loss_i = InfoNCE_i + mix_weight (lambda InfoNCE(z~_i, key_i) + (1 - lambda) InfoNCE(z~_i, key_pi(i)))
        z~ = embedding of lambda x + (1 - lambda) x[pi],    lambda ~ Beta(alpha, alpha)

    Neither source's key is among the negatives. What the criterion sees: the batch's B losses, equally weighted.

    References:
        mixup for pairs of views after Lee et al., "i-Mix", 2021, arXiv 2010.08887, and OpenMixup's self-supervised baselines [read];
        the weight as a knob is ours.
    """

    def mixed(recipe: Recipe, net: Net, model: Model, batch: Batch) -> Tensor:
        return embed(net, model, mixup.blend(batch.x, batch.x[recipe["partner"]], recipe["ratio"]))[0]

    return mixing(host, width, mixup.mixup(), mixed)


def contrastive_cutmix(host: Host, width: int) -> Mixing:
    """As mixup in a contrastive study, with a box of every first view replaced by the partner's; lambda is the share that stays.

    References:
        cutmix for pairs of views as in OpenMixup's self-supervised baselines [read].
    """

    def mixed(recipe: Recipe, net: Net, model: Model, batch: Batch) -> Tensor:
        return embed(net, model, cutting.pasted(batch.x, recipe))[0]

    return mixing(host, width, cutting.cutmix(), mixed)


def contrastive_manifold(host: Host, width: int, deepest: int = 2) -> Mixing:
    """As mixup in a contrastive study, mixed after a stage drawn anew in every step, or at the input.

    Args:
        host: The framework.
        width: Length of an embedding.
        deepest: Number of the last stage after which may be mixed.
    """

    def mixed(recipe: Recipe, net: Net, model: Model, batch: Batch) -> Tensor:
        return embed(net, model, batch.x, manifold.at_layer(recipe, deepest))[0]

    return mixing(host, width, manifold.manifold_mixup(deepest), mixed)


def mixing(host: Host, width: int, labelled: Mixing, mixed: Mixed) -> Mixing:
    """The self-supervised form of a mixing of inputs or hidden values: its draws and pictures, with InfoNCE for cross-entropy."""

    def losses(state: State, hyper: Hyper, recipe: Recipe, net: Net, model: Model, batch: Batch) -> tuple[Losses, Buffers]:
        seen, partner = host.see(state, net, model, batch), recipe["partner"]
        anchors = mixed(recipe, net, model, batch)
        first, second = ((anchors * keys).sum(-1) for keys in (seen.keys, seen.keys[partner]))
        others = host.others(state, anchors, seen.keys, partner)
        value = mixed_info_nce(first, second, others, recipe["ratio"], host.temperature)
        return evenly(seen.value + hyper["mix_weight"] * value), seen.buffers

    found = hosted(host, width, labelled.draw, losses)
    return found._replace(show=labelled.show, knobs=(*labelled.knobs, MIX_WEIGHT), needs=labelled.needs | found.needs)


def hosted(host: Host, width: int, draw: Callable[..., Recipe], losses: Callable[..., tuple[Losses, Buffers]]) -> Mixing:
    """A mixing on a host: a projection head while it trains, and the host's own state."""
    return Mixing(
        draw=draw,
        losses=losses,
        init=host.init,
        adapt=host.adapt,
        grow=partial(grown, width),
        deploy=stripped,
        needs=frozenset({"views"}),
    )
