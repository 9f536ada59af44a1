"""Augmentation as batched tensor code: drawn on the host for an epoch, applied on the device to a whole step at once.

What is drawn depends on the seed, the epoch and the augmentation's own name alone, so that all configurations with one seed see the same
augmented pictures, whatever else is drawn for them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from trainables import arguments
from trainables.draws import Streams

Drawn = dict[str, Tensor]
"""Whole numbers by name, each (..., examples)."""


class Augmentation(NamedTuple):
    """What is done to training pictures, in this order; all of it off by default.

    Attributes:
        shift: Moved by up to so many pixels each way, border pixels repeated.
        crop: Padded by so many black pixels all round and cropped to the old size at a random place.
        flip: Mirrored left to right with probability 1/2.
        cutout: A square of this side, centred anywhere in the picture, set to 0: the mean of normalised bytes, black in float pictures.

    References:
        crop and flip as usual on CIFAR since He et al. 2016, arXiv 1512.03385; cutout: DeVries & Taylor 2017, arXiv 1708.04552; shift ours.
    """

    shift: int = 0
    crop: int = 0
    flip: bool = False
    cutout: int = 0


NONE = Augmentation()


def faults(where: str, given: Any) -> list[str]:
    """Every fault of a study file's `augment`."""
    if not isinstance(given, Mapping):
        return [f"{where} must be like {{crop: 4, flip: true}}, got {given!r}"]
    found = arguments.faults(where, Augmentation, given)
    negative = [key for key, value in given.items() if isinstance(value, int) and value < 0]
    return found + [f"{where}.{key} must be a number of pixels of at least 0, got {given[key]}" for key in negative]


def fitting(augmentation: Augmentation, shape: tuple[int, ...]) -> Augmentation:
    """The augmentation, once it has been seen to fit inputs of this shape.

    Raises:
        ValueError: If the inputs are no pictures, or too small for it.
    """
    if augmentation == NONE:
        return augmentation
    if len(shape) != 3:
        raise ValueError(f"augment needs pictures (channels, height, width), got inputs of shape {shape}; leave it out")
    largest = max(augmentation.shift, augmentation.crop, augmentation.cutout)
    if largest > min(shape[1:]):
        raise ValueError(f"augment must move or cut no more than the picture's {min(shape[1:])} pixels, got {largest}")
    return augmentation


def draw(augmentation: Augmentation, stream: Streams, steps: int, size: int, shape: tuple[int, ...]) -> Drawn:
    """An epoch's draws, each (steps, size): offsets, mirrorings and centres for what is switched on."""
    drawn: dict[str, np.ndarray[Any, Any]] = {}
    for name, reach in (("shift", augmentation.shift), ("crop", augmentation.crop)):
        if reach:
            drawn[f"{name}-y"], drawn[f"{name}-x"] = stream(f"augment-{name}").integers(-reach, reach + 1, (2, steps, size))
    if augmentation.flip:
        drawn["flip"] = stream("augment-flip").integers(0, 2, (steps, size))
    if augmentation.cutout:
        generator = stream("augment-cutout")
        drawn["cutout-y"] = generator.integers(0, shape[1], (steps, size))
        drawn["cutout-x"] = generator.integers(0, shape[2], (steps, size))
    return {name: torch.from_numpy(values) for name, values in drawn.items()}


def moved(x: Tensor, drawn: Drawn) -> Tensor:
    """Pictures (..., C, H, W), bytes or floats, shifted, cropped and mirrored by draws (...): one gather for all three."""
    if not drawn.keys() & {"shift-y", "crop-y", "flip"}:
        return x
    height, width = x.shape[-2:]
    rows = _index(drawn, "crop-y", height, x) + torch.arange(height, device=x.device)
    columns = torch.arange(width, device=x.device)
    if "flip" in drawn:
        columns = torch.where(drawn["flip"][..., None] == 1, width - 1 - columns, columns)
    columns = _index(drawn, "crop-x", width, x) + columns
    inside = ((rows >= 0) & (rows < height))[..., :, None] & ((columns >= 0) & (columns < width))[..., None, :]
    rows = (rows + _index(drawn, "shift-y", height, x)).clamp(0, height - 1)
    columns = (columns + _index(drawn, "shift-x", width, x)).clamp(0, width - 1)
    places = rows[..., :, None] * width + columns[..., None, :]
    flat = x.flatten(-2)
    gathered = flat.gather(-1, places.flatten(-2)[..., None, :].expand(flat.shape)).reshape(x.shape)
    return (
        gathered
        if "crop-y" not in drawn
        else torch.where(inside[..., None, :, :], gathered, torch.zeros((), dtype=x.dtype, device=x.device))
    )


def cut(x: Tensor, drawn: Drawn, side: int) -> Tensor:
    """Normalised pictures (..., C, H, W) with a square of `side` pixels at 0, cut off where it leaves the picture; centres (...)."""
    if "cutout-y" not in drawn:
        return x
    kept = [
        (place < centre[..., None] - side // 2) | (place >= centre[..., None] - side // 2 + side)
        for centre, place in (
            (drawn[f"cutout-{axis}"], torch.arange(size, device=x.device)) for axis, size in zip("yx", x.shape[-2:], strict=True)
        )
    ]
    return x * (kept[0][..., :, None] | kept[1][..., None, :])[..., None, :, :]


def _index(drawn: Drawn, name: str, size: int, x: Tensor) -> Tensor:
    """Offsets (..., 1), zeros where they were not drawn. A crop or shift by d shows at i what stood at i + d."""
    lead = x.shape[:-3]
    return drawn[name][..., None] if name in drawn else torch.zeros((*lead, 1), dtype=torch.int64, device=x.device)
