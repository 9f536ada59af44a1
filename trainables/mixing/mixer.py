"""The mixer: a small network that looks at the feature maps of two pictures and says where to take which. Shared by SAMix and AutoMix."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import batch_norm, elu

from trainables.axes import Params
from trainables.crossentropy import full_precision
from trainables.draws import Streams

SPREAD = 0.01
"""Standard deviation of the first weights: small, so that every mask starts near one half."""


class Design(NamedTuple):
    """How a mixer is built.

    Attributes:
        joint: Query and key each read both pictures' maps; otherwise one projection reads the map of the first, and of the second.
        deep: The value is two 1x1 convolutions with batch norm and ELU between them; otherwise one with bias.
        encoded: The maps are scaled by the mixing ratio.
        smooth: The mask is enlarged bilinearly; otherwise pixels are repeated.
    """

    joint: bool
    deep: bool
    encoded: bool
    smooth: bool


SAMIX = Design(joint=True, deep=True, encoded=True, smooth=True)
AUTOMIX = Design(joint=False, deep=False, encoded=False, smooth=False)


def fresh(stream: Streams, design: Design, channels: int, like: Tensor) -> Params:
    """A mixer for maps of so many channels: weights N(0, 0.01), biases 0, in the type and on the device of `like`."""
    drawn = stream("mixer")
    first: dict[str, NDArray[np.float64]] = {}
    for name, shape in shapes(design, channels).items():
        if name == "value.norm.weight":
            first[name] = np.ones(shape)
        else:
            first[name] = np.zeros(shape) if name.endswith("bias") else drawn.normal(0, SPREAD, shape)
    return {name: torch.from_numpy(array).to(like) for name, array in first.items()}


def shapes(design: Design, channels: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a mixer's weights."""
    inner, reading = max(1, channels // 2), channels * (2 if design.joint else 1)
    found = {"query.weight": (inner, reading), "query.bias": (inner,)}
    if design.joint:
        found |= {"key.weight": (inner, reading), "key.bias": (inner,)}
    if design.deep:
        found |= {"value.first.weight": (inner, channels), "value.norm.weight": (inner,), "value.norm.bias": (inner,)}
        return found | {"value.last.weight": (1, inner)}
    return found | {"value.weight": (1, channels), "value.bias": (1,)}


def shares(mixer: Params, design: Design, bend: Tensor, maps: Tensor, partner: Tensor, ratio: Tensor, size: tuple[int, ...]) -> Tensor:
    """How much of each pixel to take from the partner: the mask s, (B, *size), in [0, 1].

        s = sigmoid(enlarge(P v)),    P = softmax(query^T key / sqrt(inner)) over the positions of the partner's map, in float32

    Args:
        mixer: Its weights.
        design: How it is built.
        bend: k of the ratio's encoding, see `encoding`.
        maps: Feature maps of the batch, (B, channels, h, w).
        partner: Whom each example is mixed with, (B,).
        ratio: Share of the first picture to aim for, a scalar.
        size: Height and width of the mask.

    References:
        Li et al., "Boosting Discriminative Visual Representation Learning with Scenario-Agnostic Mixup", 2021, arXiv 2111.15454, section 3,
        with the authors' PixelMixBlock in OpenMixup [read].
    """
    return shares_between(mixer, design, bend, maps, maps[partner], ratio, size)


def shares_between(
    mixer: Params, design: Design, bend: Tensor, maps: Tensor, others: Tensor, ratio: Tensor, size: tuple[int, ...]
) -> Tensor:
    """As `shares`, with the partners' maps given, each (B, channels, h, w): they may come from other pictures than the batch's own."""
    own, other = maps.flatten(2), others.flatten(2)
    if design.encoded:
        bent = encoding(ratio, bend)
        own, other = own * (1 + bent), other * (1 + (1 - bent))
    both = torch.cat([own, other], dim=1)
    query = convolved(mixer, "query", both if design.joint else own)
    key = convolved(mixer, "key", both) if design.joint else convolved(mixer, "query", other)
    value = deep_value(mixer, other) if design.deep else convolved(mixer, "value", other)
    return enlarged(attended(query, key, value).unflatten(1, maps.shape[-2:]), size, design.smooth).sigmoid()


def encoding(ratio: Tensor, bend: Tensor) -> Tensor:
    """r(l; k) = (4/3 l^3 - 2 l^2 + (k + 1) l) / (k + 1/3): steeper than l at both ends, more so for small k; l itself where k < 0."""
    cubic = (4 / 3 * ratio**3 - 2 * ratio**2 + (bend + 1) * ratio) / (bend + 1 / 3)
    return torch.where(bend < 0, ratio, cubic)


def convolved(mixer: Params, name: str, flat: Tensor) -> Tensor:
    """The 1x1 convolution called `name`: (B, channels, positions) to (B, its rows, positions)."""
    return mixer[f"{name}.weight"] @ flat + mixer[f"{name}.bias"][:, None]


def deep_value(mixer: Params, flat: Tensor) -> Tensor:
    """The non-linear value, (B, 1, positions). Its norm uses the batch's statistics always: a mixer never meets a single picture."""
    hidden = mixer["value.first.weight"] @ flat
    normed = batch_norm(hidden, None, None, mixer["value.norm.weight"], mixer["value.norm.bias"], training=True)
    return mixer["value.last.weight"] @ elu(normed)


def attended(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Each position's average of the values by attention, (B, positions), in float32 or better, autocast or not."""
    with torch.autocast(query.device.type, enabled=False):
        query, key, value = full_precision(query), full_precision(key), full_precision(value)
        attention = (query.transpose(1, 2) @ key / query.shape[1] ** 0.5).softmax(-1)
        return (attention @ value.transpose(1, 2)).squeeze(-1)


def enlarged(mask: Tensor, size: tuple[int, ...], smooth: bool) -> Tensor:
    """(B, h, w) to (B, *size), bilinearly (corners not aligned) or by repeating pixels: two matrix products, never in half precision."""
    down, across = (
        torch.from_numpy(resampling(short, long, smooth)).to(mask.device, mask.dtype)
        for short, long in zip(mask.shape[-2:], size, strict=True)
    )
    with torch.autocast(mask.device.type, enabled=False):
        return down @ mask @ across.T


@lru_cache
def resampling(short: int, long: int, smooth: bool) -> NDArray[np.float64]:
    """The matrix (long, short) that enlarges one axis."""
    position = (np.arange(long) + 0.5) * short / long
    if not smooth:
        return np.eye(short)[np.floor(position).astype(np.int64)]
    position = (position - 0.5).clip(0, short - 1)
    lower = np.floor(position).astype(np.int64)
    upper = np.minimum(lower + 1, short - 1)
    rest = (position - lower)[:, None]
    return (1 - rest) * np.eye(short)[lower] + rest * np.eye(short)[upper]
