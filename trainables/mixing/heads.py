"""Two heads on one network: its own for clean inputs, and a second one, `head_mix`, for mixed inputs."""

import numpy as np
import torch

from trainables.axes import Model, Net
from trainables.draws import Streams

OWN, SECOND = "head.", "head_mix."
"""How the names of either head's weights begin."""


def second_head(stream: Streams, net: Net, model: Model) -> Model:
    """The model with a second head, drawn as torch draws a linear layer: U(-1, 1) / sqrt(width)."""
    drawn, bound = stream("head_mix"), 1 / np.sqrt(net.width)
    heads = {name: leaf for name, leaf in model.params.items() if name.startswith(OWN)}
    grown = {
        SECOND + name.removeprefix(OWN): torch.from_numpy(drawn.uniform(-bound, bound, tuple(leaf.shape))).to(leaf)
        for name, leaf in heads.items()
    }
    return Model({**model.params, **grown}, model.buffers)


def for_mixed(model: Model) -> Model:
    """The model as mixed inputs see it: the second head in the place of its own."""
    second = {name: leaf for name, leaf in model.params.items() if name.startswith(SECOND)}
    placed = {OWN + name.removeprefix(SECOND): leaf for name, leaf in second.items()}
    return Model({**model.params, **placed}, model.buffers)


def without_second(model: Model) -> Model:
    """The plain network: what is evaluated and exported."""
    return Model({name: leaf for name, leaf in model.params.items() if not name.startswith(SECOND)}, model.buffers)
