"""Cross-entropy against soft targets, the loss under every mixing."""

import torch
from torch import Tensor

from trainables.axes import Batch, Hyper, Losses, Net

FEW = 16
"""Below so many classes torch's own log_softmax takes one number after the other on a CPU: 640 rows of 10 take it 99 microseconds, and 48
backwards, for 24 and 11 where it is written out; of 26 classes, 18 and 13 for 45 and 13."""


def one_hot(y: Tensor, classes: int, dtype: torch.dtype) -> Tensor:
    """Class indices (B,) as rows (B, classes). `functional.one_hot` does not work under vmap of grad."""
    return (y[:, None] == torch.arange(classes, device=y.device)).to(dtype)


def targets(batch: Batch, net: Net, hyper: Hyper, dtype: torch.dtype) -> Tensor:
    """The batch's labels as distributions (B, classes), smoothed by the member's `label_smoothing`; in float32 or better."""
    smoothing = full_precision(hyper["label_smoothing"])
    return (1 - smoothing) * one_hot(batch.y, net.classes, torch.promote_types(dtype, torch.float32)) + smoothing / net.classes


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """-sum_c target_c log softmax(logits)_c per example: (B, classes) twice to (B,), in float32 or better."""
    return -(target * log_softmax(full_precision(logits))).sum(-1)


def log_softmax(logits: Tensor) -> Tensor:
    """logits - log sum_c exp(logits)_c over the last axis."""
    if logits.device.type != "cpu" or logits.shape[-1] >= FEW:
        return torch.log_softmax(logits, dim=-1)
    shifted = logits - logits.detach().amax(-1, keepdim=True)
    return shifted - shifted.exp().sum(-1, keepdim=True).log()


def full_precision(tensor: Tensor) -> Tensor:
    """Half-precision numbers as float32; others as they are."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def evenly(value: Tensor) -> Losses:
    """Losses (n,) with equal weights 1/n."""
    return Losses(value, torch.full_like(value, 1 / value.shape[0]))
