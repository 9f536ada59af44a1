"""Corruptions of pictures, each a function of (pictures, level) with the levels of severities 1 to 5.

References:
    Hendrycks & Dietterich 2019, arXiv 1903.12261, and their constants for 32-pixel pictures (CIFAR-10-C) [read].
"""

import io
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.float64]
"""(n, channels, height, width) in [0, 1]."""

NOISE = "gaussian_noise"
"""The one corruption that draws: its level is the standard deviation."""

LEVELS = {
    NOISE: (0.04, 0.06, 0.08, 0.09, 0.10),
    "blur": (0.4, 0.6, 0.7, 0.8, 1.0),
    "contrast": (0.75, 0.5, 0.4, 0.3, 0.15),
    "pixelate": (0.95, 0.9, 0.85, 0.75, 0.65),
    "jpeg": (80, 65, 58, 50, 40),
}


def changed(name: str, pictures: Pictures, noise: Pictures, severity: int) -> Pictures:
    """The pictures under the corruption `name`, not yet cut to [0, 1]; `noise` is standard normal, one number a pixel."""
    level = LEVELS[name][severity - 1]
    return pictures + level * noise if name == NOISE else _CHANGES[name](pictures, level)


def blur(pictures: Pictures, sigma: float) -> Pictures:
    """Gaussian blur, borders repeated; `sigma` in pixels of a 32-pixel picture, in proportion on larger ones [the proportion ours]."""
    sigma *= max(1.0, min(pictures.shape[2:]) / 32)
    reach = math.ceil(4 * sigma)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    weights /= weights.sum()
    for axis in (2, 3):
        last = pictures.shape[axis] - 1
        total = np.zeros_like(pictures)
        for weight, offset in zip(weights, offsets, strict=True):
            total += weight * pictures.take((np.arange(last + 1) + offset).clip(0, last), axis)
        pictures = total
    return pictures


def contrast(pictures: Pictures, factor: float) -> Pictures:
    """Each channel drawn towards its mean; `factor` is left of the distance."""
    mean = pictures.mean(axis=(2, 3), keepdims=True)
    return mean + factor * (pictures - mean)


def pixelate(pictures: Pictures, share: float) -> Pictures:
    """Fewer pixels: means over boxes, `share` as many a side, each then shown by nearest neighbour at the old size."""
    height, width = pictures.shape[2:]
    rows, columns = (_boxes(size, max(1, int(share * size))) for size in (height, width))
    small = np.einsum("ih,nchw,jw->ncij", rows, pictures, columns)
    nearest = [(np.arange(size) + 0.5) * count // size for size, count in ((height, len(rows)), (width, len(columns)))]
    return small[:, :, nearest[0].astype(int)][:, :, :, nearest[1].astype(int)]


def _boxes(size: int, count: int) -> NDArray[np.float64]:
    """Weights (count, size) of the mean over each of `count` equal boxes of `size` pixels, cut pixels in proportion."""
    edges = np.arange(count + 1) * size / count
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return overlap.clip(0) * count / size


def jpeg(pictures: Pictures, quality: float) -> Pictures:
    """Written as JPEG of the given quality and read again. Needs Pillow, and pictures of 1 or 3 channels."""
    from PIL import Image

    through = np.empty_like(pictures)
    for number, picture in enumerate(np.round(255 * pictures).astype(np.uint8)):
        buffer = io.BytesIO()
        Image.fromarray(picture[0] if len(picture) == 1 else np.moveaxis(picture, 0, -1)).save(buffer, "JPEG", quality=int(quality))
        with Image.open(buffer) as image:
            read = np.asarray(image) / 255
        through[number] = read[None] if len(picture) == 1 else np.moveaxis(read, -1, 0)
    return through


_CHANGES: dict[str, Callable[[Pictures, float], Pictures]] = {"blur": blur, "contrast": contrast, "pixelate": pixelate, "jpeg": jpeg}
