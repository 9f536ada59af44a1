"""Who the others are that a picture is told from: the rest of its batch (SimCLR), or a queue of earlier keys (MoCo)."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from trainables import tree
from trainables.axes import Batch, Buffers, Hyper, Model, Net, State, Transition, no_state, unchanged
from trainables.contrastive.infonce import excluded, info_nce
from trainables.contrastive.projection import PREFIX, embed
from trainables.draws import Streams


class Seen(NamedTuple):
    """A batch's two views as the host takes them.

    Attributes:
        value: InfoNCE of each unmixed example, (B,).
        keys: Embeddings of the second views, which mixed first views are to find, (B, width).
        buffers: Running statistics after the pass.
    """

    value: Tensor
    keys: Tensor
    buffers: Buffers


class Host(NamedTuple):
    """A framework of contrastive learning.

    Attributes:
        temperature: What scores are divided by.
        see: (state, net, model, batch) -> Seen.
        others: (state, anchors, keys, partner) -> scores of each anchor with its negatives, (B, N); anchor i is mixed of i and partner[i],
            and neither's key is among them.
        init, adapt: As in `Mixing`.
        averaged: Whether its state has an `encoder`, the moving average of the trained network.
    """

    temperature: float
    see: Callable[[State, Net, Model, Batch], Seen]
    others: Callable[[State, Tensor, Tensor, Tensor], Tensor]
    init: Callable[[Streams, Hyper, Net, Model], State] = no_state
    adapt: Callable[[State, Hyper, Net, Transition], State] = unchanged
    averaged: bool = False


def simclr(temperature: float) -> Host:
    """SimCLR: each view is to find the other among all other views of the batch; a loss an example, the mean of both directions.

        loss_i = (l(i, i') + l(i', i)) / 2,    l(i, j) = -log(e^(z_i.z_j/t) / sum over k != i of e^(z_i.z_k/t)),    k over both views

    Both views go through the network in one pass, so that batch norm sees them together and its running statistics move once.

    References:
        Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", 2020, arXiv 2002.05709, equation 1 [read].
    """

    def see(state: State, net: Net, model: Model, batch: Batch) -> Seen:
        z, buffers = embed(net, model, torch.cat([batch.x, second_view(batch)]))
        size = batch.y.shape[0]
        scores, place = z @ z.T, torch.arange(2 * size, device=z.device)
        pair = (place + size) % (2 * size)
        mine = (place[:, None] == place) | (pair[:, None] == place)
        each = info_nce((z * z[pair]).sum(-1), excluded(scores, mine), temperature)
        return Seen((each[:size] + each[size:]) / 2, z[size:], buffers)

    def others(state: State, anchors: Tensor, keys: Tensor, partner: Tensor) -> Tensor:
        place = torch.arange(keys.shape[0], device=keys.device)
        return excluded(anchors @ keys.T, (place[:, None] == place) | (partner[:, None] == place))

    return Host(temperature, see, others)


def moco(temperature: float, queue: int, momentum: float, width: int) -> Host:
    """MoCo: first views are to find the keys of second views, made by a moving average of the network, among a queue of earlier keys.

        loss_i = -log(e^(q_i.k_i/t) / (e^(q_i.k_i/t) + sum over the queue of e^(q_i.n/t)))

    The average and its keys have no gradient. After the weight step the batch's keys enter the queue, the oldest leave it, and
    the average moves: k <- momentum k + (1 - momentum) q. The queue begins with random directions.

    Args:
        temperature: t.
        queue: Keys kept.
        momentum: How much of the average stays in a step.
        width: Length of an embedding.

    References:
        He et al., "Momentum Contrast for Unsupervised Visual Representation Learning", 2020, arXiv 1911.05722, algorithm 1 [read]. Batches
        are not shuffled between devices, since there is one.
    """

    def see(state: State, net: Net, model: Model, batch: Batch) -> Seen:
        anchors, buffers = embed(net, model, batch.x)
        keys = keys_of(state["encoder"], net, second_view(batch))[0]
        value = info_nce((anchors * keys).sum(-1), anchors @ state["queue"].T, temperature)
        return Seen(value, keys, buffers)

    def others(state: State, anchors: Tensor, keys: Tensor, partner: Tensor) -> Tensor:
        return anchors @ state["queue"].T

    def init(stream: Streams, hyper: Hyper, net: Net, model: Model) -> State:
        first = torch.from_numpy(stream("queue").standard_normal((queue, width)))
        return {"encoder": model, "queue": normalize(first, dim=-1).to(model.params[f"{PREFIX}last.weight"])}

    def adapt(state: State, hyper: Hyper, net: Net, transition: Transition) -> State:
        keys, buffers = keys_of(state["encoder"], net, second_view(transition.batch))
        newest = torch.cat([keys.to(state["queue"].dtype), state["queue"]])[:queue]
        return {"encoder": followed(state["encoder"], transition.after, buffers, momentum), "queue": newest}

    return Host(temperature, see, others, init, adapt, averaged=True)


def with_average(host: Host, momentum: float) -> Host:
    """The host with an `encoder` in its state, moved as MoCo's, where it has none of its own."""
    if host.averaged:
        return host

    def init(stream: Streams, hyper: Hyper, net: Net, model: Model) -> State:
        return {**host.init(stream, hyper, net, model), "encoder": model}

    def adapt(state: State, hyper: Hyper, net: Net, transition: Transition) -> State:
        _, buffers = keys_of(state["encoder"], net, second_view(transition.batch))
        average = followed(state["encoder"], transition.after, buffers, momentum)
        return {**host.adapt(state, hyper, net, transition), "encoder": average}

    return host._replace(init=init, adapt=adapt, averaged=True)


def keys_of(encoder: Model, net: Net, x: Tensor) -> tuple[Tensor, Buffers]:
    """Embeddings by the average, through which no gradient passes, and its running statistics after the pass."""
    return embed(net, tree.map(Tensor.detach, encoder), x)


def followed(average: Model, model: Model, buffers: Buffers, momentum: float) -> Model:
    """The average's weights moved towards the network's; its running statistics are those of its own pass."""
    return Model(tree.map(lambda old, new: momentum * old + (1 - momentum) * new, average.params, model.params), buffers)


def second_view(batch: Batch) -> Tensor:
    """The batch's second views.

    Raises:
        ValueError: If it has none.
    """
    if not isinstance(batch.view, Tensor):
        raise ValueError('a contrastive loss needs a second view of every example: let the mixing need "views"')
    return batch.view
