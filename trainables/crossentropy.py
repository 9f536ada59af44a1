"""Cross-entropy against soft targets, the loss under every mixing."""

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from trainables.axes import Batch, Hyper, Losses, Net


def one_hot(y: Tensor, classes: int, dtype: torch.dtype) -> Tensor:
    """Class indices (B,) as rows (B, classes). `functional.one_hot` does not work under vmap of grad."""
    return (y[:, None] == torch.arange(classes, device=y.device)).to(dtype)


def targets(batch: Batch, net: Net, hyper: Hyper, dtype: torch.dtype) -> Tensor:
    """The batch's labels as distributions (B, classes), smoothed by the member's `label_smoothing`; in float32 or better."""
    smoothing = full_precision(hyper["label_smoothing"])
    return (1 - smoothing) * one_hot(batch.y, net.classes, torch.promote_types(dtype, torch.float32)) + smoothing / net.classes


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """-sum_c target_c log softmax(logits)_c per example: (B, classes) twice to (B,), in float32 or better."""
    return -(target * log_softmax(full_precision(logits), dim=-1)).sum(-1)


def full_precision(tensor: Tensor) -> Tensor:
    """Half-precision numbers as float32; others as they are."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def evenly(value: Tensor) -> Losses:
    """Losses (n,) with equal weights 1/n."""
    return Losses(value, torch.full_like(value, 1 / value.shape[0]))
