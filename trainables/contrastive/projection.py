"""The projection head: where embeddings are compared. It belongs to training alone; what is judged and exported is the encoder."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear, normalize, relu

from trainables.axes import FEATURES, Between, Buffers, Model, Net, Params, State, keep
from trainables.crossentropy import full_precision
from trainables.draws import Streams

PREFIX = "projection."


def grown(width: int, stream: Streams, net: Net, model: Model) -> Model:
    """The model with a projection head: linear, ReLU, linear, from features to embeddings of `width` numbers, drawn as torch does.

    References:
        Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", 2020, arXiv 2002.05709, section 4.2 [read].
    """
    drawn, bound = stream("projection"), 1 / np.sqrt(net.width)
    shapes = {"first.weight": (net.width, net.width), "first.bias": (net.width,), "last.weight": (width, net.width), "last.bias": (width,)}
    some = next(iter(model.params.values()))
    head = {PREFIX + name: torch.from_numpy(drawn.uniform(-bound, bound, shape)).to(some) for name, shape in shapes.items()}
    return Model({**model.params, **head}, model.buffers)


def stripped(state: State, model: Model) -> Model:
    """The plain network, whose head the judging fits."""
    return Model({name: leaf for name, leaf in model.params.items() if not name.startswith(PREFIX)}, model.buffers)


def embed(net: Net, model: Model, x: Tensor, between: Between = keep) -> tuple[Tensor, Buffers]:
    """Embeddings (B, width) of length 1, in training mode, and the running statistics after the pass."""
    caught: list[Tensor] = []

    def catch(depth: int, hidden: Tensor) -> Tensor:
        seen = between(depth, hidden)
        if depth == FEATURES:
            caught.append(seen)
        return seen

    _, buffers = net.apply(model, x, catch)
    return projected(model.params, caught[0]), buffers


def projected(params: Params, features: Tensor) -> Tensor:
    """Embeddings of length 1 of features (B, net.width)."""
    hidden = relu(linear(full_precision(features), params[f"{PREFIX}first.weight"], params[f"{PREFIX}first.bias"]))
    return normalize(linear(hidden, params[f"{PREFIX}last.weight"], params[f"{PREFIX}last.bias"]), dim=-1)
