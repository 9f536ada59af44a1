"""A batch of two views, and members on either host whose average is not the network."""

import numpy as np
import torch

from tests.trainables.mixing.small import cnn, hyper, model_of, pictures
from trainables import tree
from trainables.contrastive.hosts import Host, moco, simclr
from trainables.draws import stream, streams

TEMPERATURE, WIDTH, QUEUE, MOMENTUM = 0.2, 5, 8, 0.9
HOSTS = {"simclr": simclr(TEMPERATURE), "moco": moco(TEMPERATURE, QUEUE, MOMENTUM, WIDTH)}
NUMBERS = {**{name: float(value) for name, value in hyper().items()}, "mix_weight": 0.5}


def views(size=6):
    """Pictures and second views of them."""
    batch = pictures(size)
    return batch._replace(view=batch.x + torch.from_numpy(0.3 * stream(0, "view").normal(size=tuple(batch.x.shape))))


def numbers(**changed):
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in {**NUMBERS, **changed}.items()}


def started(mixing, net=None):
    """A member in float64 whose average, if it has one, differs from it, and whose mixer, if it has one, has weights that matter."""
    net = net or cnn()
    model = mixing.grow(streams(0), net, model_of(net, 0))
    state = mixing.init(streams(0), numbers(), net, model)
    if "encoder" in state:
        state = {**state, "encoder": mixing.grow(streams(1), net, model_of(net, 1))}
    if "mixer" in state:
        drawn = stream(0, "weights")
        state = {**state, "mixer": tree.map(lambda leaf: torch.from_numpy(drawn.normal(size=tuple(leaf.shape))), state["mixer"])}
    return net, model, state


def host_of(name: str) -> Host:
    return HOSTS[name]


def drawn(mixing, net, size=6, **chosen):
    """One step's recipe, with some of its numbers replaced."""
    recipe = tree.take(mixing.draw(streams(0, 0), {"alpha": 2.0}, 1, size, net), 0)
    return {**recipe, **{name: torch.tensor(value, dtype=torch.float64) for name, value in chosen.items()}}


def worked(host, state, z, of_first, of_second, partner, ratio):
    """The mixed InfoNCE of embeddings z, and its local term, in numpy."""
    pi = partner.numpy()
    if host == "moco":
        others = np.exp(z @ state["queue"].numpy().T / TEMPERATURE)
    else:
        others = np.exp(z @ of_second.T / TEMPERATURE)
        others[np.arange(6), np.arange(6)] = 0
        others[np.arange(6), pi] = 0
    own, other = (np.exp((z * one).sum(1) / TEMPERATURE) for one in (of_second, of_first[pi]))
    rest = others.sum(1)
    mixed = -ratio * np.log(own / (own + rest)) - (1 - ratio) * np.log(other / (other + rest))
    return mixed, -ratio * np.log(own / (own + other)) - (1 - ratio) * np.log(other / (own + other))
