"""SAMix without labels: masks learned from what makes a mixed picture find both its sources."""

from collections.abc import Mapping

import torch
from torch import Tensor

from trainables.axes import Batch, Buffers, Hyper, Losses, Mixing, Mixture, Model, Net, Params, Recipe, Scalars, State, Transition
from trainables.contrastive.hosts import Host, keys_of, second_view, with_average
from trainables.contrastive.infonce import local_info_nce, mixed_info_nce
from trainables.contrastive.mixings import MIX_WEIGHT, hosted
from trainables.contrastive.projection import embed
from trainables.crossentropy import evenly
from trainables.draws import Streams
from trainables.mixing import generation, mixer
from trainables.mixing.apprentice import begun, constant, taught, watch
from trainables.mixing.mixer import SAMIX
from trainables.mixing.mixup import partners, ratios
from trainables.mixing.pasting import TAIL, depth_of
from trainables.mixing.samix import BEND, MIXER_ALPHA

Keys = tuple[Tensor, Tensor]
"""Embeddings of the first and of the second views by the average, (B, width) each, without gradient."""


def contrastive_samix(
    host: Host, width: int, momentum: float, mask_weight: float = 0.1, local_weight: float = 0.5, mixer_rate: float = 1.0
) -> Mixing:
    """Scenario-agnostic mixup without labels: masks across views from a learned mixer M, on the maps of a momentum encoder k.

        x~ = x (1 - s) + x'[pi] s,    s = M(k's maps of x and of x'[pi], lambda),    x, x' the two views
        network:  InfoNCE + mix_weight (lambda InfoNCE(z~, k(x')) + (1 - lambda) InfoNCE(z~, k(x)[pi]))
        mixer:    the same of k's embedding of x~, + local_weight (1 + cos(pi progress)) / 2 local, + gamma L_mask(s)

    Each source is to be found by the key of its other view, and the pairing of pictures, maps and keys is one; the released code
    shuffles twice and shows the mixer other pictures than it pastes. The network's losses reach the network and its projection head alone,
    the mixer's losses M alone, through k. k has the host's momentum; on SimCLR it serves mixing only. One projection head for clean and
    mixed pictures [ours].

    Args:
        host: The framework.
        width: Length of an embedding.
        momentum: How much of k stays in a step.
        mask_weight: gamma, weight of the mask's own loss.
        local_weight: First weight of the local term, annealed to 0 along half a cosine; 0 leaves the term out.
        mixer_rate: Learning rate of the mixer over that of the network.

    Raises:
        ValueError: If a weight or the rate is negative.

    References:
        Li et al., 2021, arXiv 2111.15454, and the authors' code, OpenMixup [read].
    """
    if min(mask_weight, local_weight, mixer_rate) < 0:
        raise ValueError(
            f"mask_weight, local_weight and mixer_rate must not be negative, got {mask_weight:g}, {local_weight:g} and {mixer_rate:g}"
        )
    host = with_average(host, momentum)

    def init(stream: Streams, hyper: Hyper, net: Net, model: Model) -> State:
        return {**host.init(stream, hyper, net, model), **begun(stream, SAMIX, net, model)}

    def losses(state: State, hyper: Hyper, recipe: Recipe, net: Net, model: Model, batch: Batch) -> tuple[Losses, Buffers]:
        seen, encoder = host.see(state, net, model, batch), state["encoder"]
        share = share_of_partner(state, hyper, recipe, net, batch)
        anchors, _ = embed(net, model, pasted(batch, recipe["partner"], share))
        pair = scores(host, state, anchors, keys(encoder, net, batch), recipe["partner"])
        value = mixed_info_nce(*pair, recipe["ratio"], host.temperature)
        return evenly(seen.value + hyper["mix_weight"] * value), seen.buffers

    def mixer_loss(weights: Params, state: State, hyper: Hyper, net: Net, batch: Batch, recipe: Recipe) -> tuple[Tensor, Scalars]:
        encoder, ratio, partner = constant(state["encoder"]), recipe["mixer_ratio"], recipe["mixer_partner"]
        share = masks(weights, encoder, hyper, net, batch, ratio, partner)
        anchors, _ = embed(net, encoder, pasted(batch, partner, share))
        first, second, others = scores(host, constant(state), anchors, keys(encoder, net, batch), partner)
        local = local_info_nce(first, second, ratio, host.temperature)
        annealed = local_weight * (1 + torch.cos(torch.pi * hyper["progress"])) / 2
        made = (mixed_info_nce(first, second, others, ratio, host.temperature) + annealed * local).mean()
        mask = generation.mask_loss(share, ratio, decided=True)
        logged = {"generation_loss": made, "mask_loss": mask, "mask_share": share.mean(), "mask_spread": share.std()}
        return made + mask_weight * mask, logged

    def adapt(state: State, hyper: Hyper, net: Net, transition: Transition) -> State:
        def objective(weights: Params) -> tuple[Tensor, Scalars]:
            return mixer_loss(weights, state, hyper, net, transition.batch, transition.recipe)

        learned = taught(objective, state, transition.lr * mixer_rate, hyper["weight_decay"])
        return {**host.adapt(state, hyper, net, transition), **learned}

    def show(state: State, hyper: Hyper, recipe: Recipe, net: Net, batch: Batch) -> Mixture:
        share, partner = share_of_partner(state, hyper, recipe, net, batch), recipe["partner"]
        return Mixture(batch.x, second_view(batch)[partner], share, pasted(batch, partner, share), recipe["ratio"])

    found = hosted(host, width, draw, losses)
    return found._replace(
        init=init,
        adapt=adapt,
        watch=watch,
        show=show,
        knobs=(MIXER_ALPHA, BEND, MIX_WEIGHT),
        needs=found.needs | {"image", "spatial"},
    )


def draw(stream: Streams, knobs: Mapping[str, float], steps: int, size: int, net: Net) -> Recipe:
    """Ratio and partners of the network's pictures and of the mixer's."""
    return {
        "ratio": ratios(stream("ratio"), knobs["alpha"], steps),
        "partner": partners(stream("partner"), steps, size),
        "mixer_ratio": ratios(stream("mixer-ratio"), knobs["alpha"], steps),
        "mixer_partner": partners(stream("mixer-partner"), steps, size),
    }


def keys(encoder: Model, net: Net, batch: Batch) -> Keys:
    """What the average makes of both views."""
    return keys_of(encoder, net, batch.x)[0], keys_of(encoder, net, second_view(batch))[0]


def scores(host: Host, state: State, anchors: Tensor, made: Keys, partner: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Scores of mixed embeddings with the first source's other view, with the partner's other view, and with the others."""
    of_first, of_second = made
    own, other = (anchors * of_second).sum(-1), (anchors * of_first[partner]).sum(-1)
    return own, other, host.others(state, anchors, of_second, partner)


def masks(weights: Params, encoder: Model, hyper: Hyper, net: Net, batch: Batch, ratio: Tensor, partner: Tensor) -> Tensor:
    """The mixer's masks s, (B, height, width): the share of the partner's second view in each first view."""
    depth = depth_of(net)
    own, other = net.encode(encoder, batch.x, depth), net.encode(encoder, second_view(batch), depth)
    return mixer.shares_between(weights, SAMIX, hyper["bend"], own, other[partner], ratio, batch.x.shape[-2:])


def share_of_partner(state: State, hyper: Hyper, recipe: Recipe, net: Net, batch: Batch) -> Tensor:
    """The network's masks, without gradient to anything; constant where the ratio is near 0 or 1."""
    ratio = recipe["ratio"]
    share = masks(state["mixer"], state["encoder"], hyper, net, batch, ratio, recipe["partner"])
    return torch.where((ratio <= TAIL) | (ratio >= 1 - TAIL), 1 - ratio, share).detach()


def pasted(batch: Batch, partner: Tensor, share: Tensor) -> Tensor:
    """x (1 - s) + x'[pi] s."""
    return batch.x * (1 - share[:, None]) + second_view(batch)[partner] * share[:, None]
