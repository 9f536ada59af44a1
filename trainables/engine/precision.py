"""Half precision where it is safe: a net whose matrix products are bfloat16, between float32 weights and float32 results."""

import torch
from torch import Tensor

from trainables.axes import Between, Buffers, Model, Net
from trainables.crossentropy import full_precision


def autocast(net: Net, device: str) -> Net:
    """The net under bfloat16 autocast.

    Matrix products and convolutions are computed in bfloat16; weights, their gradients, norms, softmax, logits and features stay float32.
    What a method does with hidden values through `between` is computed in float32 too, outside autocast.

    Args:
        net: A net in float32.
        device: Where it is computed: "cpu", "cuda" or "cuda:1".
    """
    kind = torch.device(device).type

    def half() -> torch.autocast:
        return torch.autocast(kind, dtype=torch.bfloat16)

    def apply(model: Model, x: Tensor, between: Between) -> tuple[Tensor, Buffers]:
        def outside(depth: int, hidden: Tensor) -> Tensor:
            with torch.autocast(kind, enabled=False):
                return between(depth, full_precision(hidden))

        with half():
            logits, buffers = net.apply(model, x, outside)
        return full_precision(logits), buffers

    def predict(model: Model, x: Tensor) -> Tensor:
        with half():
            return full_precision(net.predict(model, x))

    def features(model: Model, x: Tensor) -> Tensor:
        with half():
            return full_precision(net.features(model, x))

    def encode(model: Model, x: Tensor, depth: int) -> Tensor:
        with half():
            return full_precision(net.encode(model, x, depth))

    return net._replace(apply=apply, predict=predict, features=features, encode=encode)
