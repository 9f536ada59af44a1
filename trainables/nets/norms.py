"""Normalisation layers, computed in float32 or better whatever the precision around them."""

from typing import Literal

import torch
from torch import Tensor, nn

from trainables.crossentropy import full_precision
from trainables.nets.standardised import Standardised, moments

Norm = Literal["batch", "group", "none"]

GROUP = 8
"""Channels a group of group norm."""


class BatchNorm2d(nn.BatchNorm2d):
    """Batch norm over maps."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  torch's name for it
        """(B, channels, height, width) twice."""
        return super().forward(full_precision(input)).to(input.dtype)


class BatchNorm1d(nn.BatchNorm1d):
    """Batch norm over vectors."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  torch's name for it
        """(B, units) twice."""
        x, size = full_precision(input), input.shape[0]
        if not self.training and self.affine and x.device.type == "cpu" and self.running_mean is not None and self.running_var is not None:
            scale = self.weight * (self.running_var + self.eps).rsqrt()  # mapped over members, torch's own turns the batch there and back
            return torch.addcmul(self.bias - self.running_mean * scale, x, scale).to(input.dtype)
        if not self.training or self.momentum is None or x.device.type != "cpu" or size < 2:
            return super().forward(x).to(input.dtype)
        mean, var = moments(x.detach())
        moved = {self.running_mean: mean, self.running_var: var * (size / (size - 1))}
        for running, seen in moved.items():
            if running is not None:
                running.mul_(1 - self.momentum).add_(seen, alpha=self.momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        return Standardised.apply(x, self.weight, self.bias, self.eps).to(input.dtype)


class GroupNorm(nn.GroupNorm):
    """Group norm over maps."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  torch's name for it
        """(B, channels, height, width) twice."""
        return super().forward(full_precision(input)).to(input.dtype)


class LayerNorm(nn.LayerNorm):
    """Layer norm over the last axis."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  torch's name for it
        """(..., width) twice."""
        return super().forward(full_precision(input)).to(input.dtype)


def normalised(channels: int, norm: str) -> nn.Module:
    """The layer called `norm`: "batch", "group" (groups of 8 channels; one group where 8 does not divide them) or "none".

    Raises:
        ValueError: If there is no such layer.
    """
    match norm:
        case "batch":
            return BatchNorm2d(channels)
        case "group":
            return GroupNorm(channels // GROUP if channels % GROUP == 0 else 1, channels)
        case "none":
            return nn.Identity()
    raise ValueError(f"norm must be batch, group or none, got {norm!r}")
