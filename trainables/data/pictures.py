"""Inputs as pictures to show in a report."""

import numpy as np
from numpy.typing import NDArray

from trainables.data.examples import Examples


def pictures(examples: Examples) -> NDArray[np.uint8]:
    """The examples as bytes (N, H, W) or (N, H, W, 3), each float picture stretched to its own range; (N, 0) if they are no pictures."""
    x = examples.x.cpu().numpy()
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        return np.zeros((len(x), 0), np.uint8)
    if x.dtype != np.uint8:
        low, high = x.min(axis=(1, 2, 3), keepdims=True), x.max(axis=(1, 2, 3), keepdims=True)
        x = (255 * (x - low) / np.maximum(high - low, 1e-12)).round().astype(np.uint8)
    return x[:, 0] if x.shape[1] == 1 else np.moveaxis(x, 1, -1)
