"""The momentum encoder: an average of the trained network's weights over the steps behind it."""

import torch
from torch import Tensor

from trainables import tree
from trainables.axes import Params

FIRST, LAST = 0.999, 0.999999
"""Momentum at the first and the last step [read: Li 2021, small pictures]."""


def momentum(progress: Tensor, count: Tensor, warmed: bool) -> Tensor:
    """How much of the average stays in a step: m = last - (last - first) (1 + cos(pi progress)) / 2.

    Warmed, m is at most (1 + t) / (10 + t) in step t = 0, 1, ...: the average then reaches back over a tenth of the training until
    that is a thousand steps. Without it, a training of a few hundred steps ends with an average that is mostly the first, random
    weights; the paper trains for 200,000 [ours].

    Args:
        progress: Share of all steps that lies behind, in [0, 1].
        count: Steps that lie behind.
        warmed: Whether m is limited at first.
    """
    scheduled = LAST - (LAST - FIRST) * (1 + torch.cos(torch.pi * progress)) / 2
    return torch.minimum(scheduled, (1 + count) / (10 + count)) if warmed else scheduled


def averaged(average: Params, params: Params, kept: Tensor) -> Params:
    """kept * average + (1 - kept) * params."""
    return tree.map(lambda old, new: kept * old + (1 - kept) * new, average, params)
