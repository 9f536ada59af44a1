"""Inputs as pictures to show in a report."""

import numpy as np
from numpy.typing import NDArray

from trainables.data.examples import Examples

ROOM = 128_000_000
"""Bytes that all pictures of a split may take; larger ones are shrunk."""


def pictures(examples: Examples, room: int = ROOM) -> NDArray[np.uint8]:
    """The examples as bytes (N, H, W) or (N, H, W, 3), each float picture stretched to its own range; (N, 0) if they are no pictures.

    Where they take more than `room` bytes, each is shrunk by the same whole factor to means over squares.
    """
    if len(examples.shape) != 3 or examples.shape[0] not in (1, 3):
        return np.zeros((len(examples), 0), np.uint8)
    factor = _factor(len(examples), examples.shape, room)
    return np.concatenate([_bytes(_shrunk(block.cpu().numpy(), factor)) for block in examples.blocks()])


def _factor(count: int, shape: tuple[int, ...], room: int) -> int:
    """By how much sides are divided: the least whole number with which all fit, but leaving a pixel."""
    channels, height, width = shape
    fitting = (f for f in range(1, min(height, width)) if count * channels * (height // f) * (width // f) <= room)
    return next(fitting, min(height, width))


def _shrunk(x: NDArray[np.generic], factor: int) -> NDArray[np.generic]:
    if factor == 1:
        return x
    count, channels, height, width = x.shape
    rows, columns = height // factor, width // factor
    squares = x[:, :, : rows * factor, : columns * factor].reshape(count, channels, rows, factor, columns, factor)
    means = squares.mean(axis=(3, 5), dtype=np.float64)
    return means.round().astype(np.uint8) if x.dtype == np.uint8 else means


def _bytes(x: NDArray[np.generic]) -> NDArray[np.uint8]:
    if x.dtype != np.uint8:
        real = x.astype(np.float64)
        low, high = real.min(axis=(1, 2, 3), keepdims=True), real.max(axis=(1, 2, 3), keepdims=True)
        x = (255 * (real - low) / np.maximum(high - low, 1e-12)).round()
    found = x.astype(np.uint8)
    return found[:, 0] if found.shape[1] == 1 else np.moveaxis(found, 1, -1)
