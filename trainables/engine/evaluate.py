"""Results of every member on a split: cross-entropy and prediction of each example. Never the criterion."""

import torch
from torch import Tensor

from trainables.axes import Method, Net
from trainables.crossentropy import full_precision, log_softmax
from trainables.engine.asking import Ask, mapped
from trainables.engine.step import Member

EXAMPLES_AT_ONCE = 1024
"""Examples evaluated in one pass of the whole group."""


def evaluate(method: Method, net: Net, group: Member, x: Tensor, y: Tensor, ask: Ask | None = None) -> tuple[Tensor, Tensor]:
    """Losses and predictions of the deployed models in evaluation mode.

    Args:
        method: The group's method; its mixing says which model is deployed.
        net: The net.
        group: Stacked members.
        x: Inputs (N, *shape), shared by all members.
        y: Class indices (N,).
        ask: How members are asked; mapped by default.

    Returns:
        Cross-entropies (rows, N) and predicted classes (rows, N).
    """

    def logits(member: Member, part: Tensor) -> Tensor:
        return full_precision(net.predict(method.mixing.deploy(member.states.mixing, member.model), part))

    ask = ask or mapped()
    scores = torch.cat([ask(logits, group, part) for part in x.split(EXAMPLES_AT_ONCE)], dim=1)
    losses = -log_softmax(scores).gather(-1, y.expand(scores.shape[:-1])[..., None]).squeeze(-1)
    return losses, scores.argmax(-1)
