"""Results of every member on a split: cross-entropy and prediction of each example. Never the criterion."""

import torch
from torch import Tensor
from torch.func import vmap
from torch.nn.functional import cross_entropy

from trainables.axes import Method, Net
from trainables.crossentropy import full_precision
from trainables.engine.step import Member

EXAMPLES_AT_ONCE = 1024
"""Examples evaluated in one pass of the whole group."""


def evaluate(method: Method, net: Net, group: Member, x: Tensor, y: Tensor, chunk: int | None = None) -> tuple[Tensor, Tensor]:
    """Losses and predictions of the deployed models in evaluation mode.

    Args:
        method: The group's method; its mixing says which model is deployed.
        net: The net.
        group: Stacked members.
        x: Inputs (N, *shape), shared by all members.
        y: Class indices (N,).
        chunk: Rows computed at a time.

    Returns:
        Cross-entropies (rows, N) and predicted classes (rows, N).
    """

    def logits(member: Member, part: Tensor) -> Tensor:
        return full_precision(net.predict(method.mixing.deploy(member.states.mixing, member.model), part))

    parts = [vmap(logits, in_dims=(0, None), chunk_size=chunk)(group, part) for part in x.split(EXAMPLES_AT_ONCE)]
    scores = torch.cat(parts, dim=1)
    rows, examples, classes = scores.shape
    losses = cross_entropy(scores.reshape(-1, classes), y.expand(rows, examples).reshape(-1), reduction="none")
    return losses.reshape(rows, examples), scores.argmax(-1)
