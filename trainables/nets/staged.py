"""The one seam between networks and methods: stages, a feature vector, a head.

A method that mixes hidden values or features reaches into a network through `between`, and through nothing else. A network is a
torch module of class `Staged`; `functional` turns it into the `Net` that the engine maps over members.
"""

import threading
from collections.abc import Callable
from itertools import islice

import torch
from torch import Tensor, nn
from torch.func import functional_call

from trainables.axes import FEATURES, Between, Buffers, Model, Net, keep
from trainables.draws import Streams


class Staged(nn.Module):
    """A classifier in parts: stages one after the other, `pool` to a feature vector, a linear head.

    Args:
        stages: At least one module; each takes the previous one's output.
        pool: From the last stage's output to features (B, head.in_features).
        head: From features to logits (B, classes).
    """

    def __init__(self, stages: list[nn.Module], pool: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.pool = pool
        self.head = head

    def forward(self, x: Tensor, between: Between = keep, until: int | None = None) -> Tensor:
        """Logits (B, classes) of inputs (B, *shape); with `until`, the hidden value at that depth."""
        hidden = between(0, x)
        for depth, stage in enumerate(islice(self.stages, until), start=1):
            hidden = between(depth, stage(hidden))
        return hidden if until is not None else self.head(between(FEATURES, self.pool(hidden)))


GENERATOR = threading.Lock()
"""Held while torch's global generator is ours: threads that draw from it at once would start from each other's weights."""


def functional(build: Callable[[], Staged], shape: tuple[int, ...]) -> Net:
    """The `Net` of a module.

    Args:
        build: Makes the module; its own initialisation is used, seeded from the stream `init`.
        shape: Shape of one input, without the batch.
    """
    module = _built(build, 0)
    for parameter in module.parameters():
        parameter.requires_grad_(False)

    def init(stream: Streams) -> Model:
        fresh = _built(build, int(stream("init").integers(2**62)))
        return Model({k: v.detach() for k, v in fresh.named_parameters()}, dict(fresh.named_buffers()))

    def call(model: Model, x: Tensor, between: Between, until: int | None = None) -> tuple[Tensor, Buffers]:
        params = {name: model.params[name] for name in names}
        buffers = {name: buffer.clone() for name, buffer in model.buffers.items()}  # batch norm writes into them
        return functional_call(module, (params, buffers), (x, between, until)), buffers

    def apply(model: Model, x: Tensor, between: Between) -> tuple[Tensor, Buffers]:
        module.train()
        return call(model, x, between)

    def encode(model: Model, x: Tensor, depth: int) -> Tensor:
        module.train()
        return call(model, x, keep, depth)[0]

    def predict(model: Model, x: Tensor) -> Tensor:
        module.eval()
        return call(model, x, keep)[0]

    def features(model: Model, x: Tensor) -> Tensor:
        module.eval()
        caught: list[Tensor] = []

        def catch(depth: int, hidden: Tensor) -> Tensor:
            if depth == FEATURES:
                caught.append(hidden)
            return hidden

        call(model, x, catch)
        return caught[0]

    names = [name for name, _ in module.named_parameters()]
    hidden = _hidden_shapes(module, shape)
    return Net(
        init=init,
        apply=apply,
        predict=predict,
        features=features,
        encode=encode,
        stages=len(module.stages),
        classes=module.head.out_features,
        width=module.head.in_features,
        shape=shape,
        hidden=hidden,
        spatial=all(len(one) == 3 for one in hidden[1:]),
    )


def _built(build: Callable[[], Staged], seed: int) -> Staged:
    """A fresh module; torch's global generator, from which modules initialise themselves, is left as it was."""
    with GENERATOR, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build()


def _hidden_shapes(module: Staged, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """The shape of one example's hidden value at depths 0 to `stages`."""
    shapes: list[tuple[int, ...]] = []

    def look(depth: int, hidden: Tensor) -> Tensor:
        if depth != FEATURES:
            shapes.append(tuple(hidden.shape[1:]))
        return hidden

    module.eval()
    with torch.no_grad():
        module(torch.zeros(1, *shape), look)
    return tuple(shapes)
