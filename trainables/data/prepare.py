"""From what is stored to what a net takes."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

ENOUGH = 10_000
"""Training examples that the normalisation is measured on, at most."""

WIDENED = 64
"""Pictures turned into whole numbers at a time, which take eight times as much memory as bytes."""


def as_float(x: Tensor, dtype: torch.dtype) -> Tensor:
    """The preparation of data that are numbers already."""
    return x.to(dtype)


@dataclass(frozen=True)
class Normalisation:
    """Bytes to floats: (x - mean) / deviation, channel by channel.

    Attributes:
        mean, deviation: Of each channel over training pictures, in units of a byte.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def __call__(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """Pictures (..., C, H, W) as floats."""
        shift, factor = _constants(self, dtype, str(x.device))
        return (x.to(dtype) - shift) * factor


@functools.lru_cache
def _constants(normalisation: Normalisation, dtype: torch.dtype, device: str) -> tuple[Tensor, Tensor]:
    """Mean and 1 / deviation as (C, 1, 1), made once: copying numbers to a device waits for it."""
    mean = torch.tensor(normalisation.mean, dtype=torch.float64)[:, None, None]
    deviation = torch.tensor(normalisation.deviation, dtype=torch.float64)[:, None, None]
    return mean.to(device, dtype), (1 / deviation).to(device, dtype)


def measured(blocks: Iterable[Tensor]) -> Normalisation:
    """The normalisation of pictures, bytes (n, C, H, W) a block; summed in whole numbers, so that blocks and machines do not matter.

    A channel's deviation counts as 1 at least, so that a constant one stays finite.
    """
    count, total, squares = 0, torch.zeros((), dtype=torch.int64), torch.zeros((), dtype=torch.int64)
    for part in (part for block in blocks for part in block.split(WIDENED)):
        wide = part.long()
        count += wide.numel() // wide.shape[1]
        total, squares = total + wide.sum((0, 2, 3)), squares + (wide * wide).sum((0, 2, 3))
    mean = total.double() / count
    deviation = (squares.double() / count - mean * mean).clamp_min(0).sqrt().clamp_min(1)
    return Normalisation(tuple(mean.tolist()), tuple(deviation.tolist()))
