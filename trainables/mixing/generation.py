"""What a mixer is trained for: mixed pictures that show both classes, and masks of the right size that are decided."""

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, softplus

from trainables.crossentropy import full_precision

MARGIN = 0.1
"""How far a mask's mean may be from 1 - ratio without a penalty [read: OpenMixup, mask_loss_margin]."""


def mixed_cross_entropy(logits: Tensor, y: Tensor, other: Tensor, ratio: Tensor) -> Tensor:
    """MCE = -ratio log softmax(p)_y - (1 - ratio) log softmax(p)_other, (B,), for logits p (B, classes)."""
    logs = log_softmax(full_precision(logits), dim=-1)
    return -ratio * at(logs, y) - (1 - ratio) * at(logs, other)


def local(logits: Tensor, y: Tensor, other: Tensor, ratio: Tensor) -> Tensor:
    """The same with a softmax over the pair {y, other} alone, (B,): the other classes neither help nor hurt; log 2 where y = other."""
    scores = full_precision(logits)
    lead = at(scores, y) - at(scores, other)
    return ratio * softplus(-lead) + (1 - ratio) * softplus(lead)


def balanced(logits: Tensor, y: Tensor, other: Tensor, ratio: Tensor, eta: Tensor) -> Tensor:
    """SAMix's eta-balanced objective, local + eta MCE, (B,) [ours in this form: the paper's equation was not to be had].

    The released supervised code comes down to plain MCE, since its eta multiplies terms that are zero.
    """
    return local(logits, y, other, ratio) + eta * mixed_cross_entropy(logits, y, other, ratio)


def at(rows: Tensor, index: Tensor) -> Tensor:
    """One entry of each row: (B, classes) and (B,) to (B,)."""
    return rows.gather(1, index[:, None]).squeeze(1)


def mask_loss(share: Tensor, ratio: Tensor, decided: bool) -> Tensor:
    """max(|1 - mean(s) - ratio| - 0.1, 0), and, where masks are to be decided, - 2 Var(s).

    Args:
        share: The partner's share of each pixel, s, (B, height, width).
        ratio: The first picture's share to aim for.
        decided: Whether masks far from one half are rewarded: SAMix; AutoMix has the first term alone.
    """
    mean = share.mean()
    missed = torch.relu((1 - mean - ratio).abs() - MARGIN)
    return missed - 2 * ((share - mean) ** 2).mean() if decided else missed
