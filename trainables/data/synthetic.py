"""Data sets drawn from a seed, whose best accuracy is known or nearly so: two Gaussians, a sinusoid, two spirals.

Each brings a training, a selection and a test part of its own. Labels are clean; `label_noise` makes those of the training part noisy.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from trainables.data.raw import Raw
from trainables.draws import stream

Points = tuple[NDArray[np.float64], NDArray[np.int64]]
CLASSES = ("negative", "positive")


def gaussians(train: int = 500, selection: int = 500, test: int = 5000, dimensions: int = 10, distance: float = 3.0, seed: int = 0) -> Raw:
    """Two Gaussians with unit covariance whose means lie `distance` apart along the diagonal.

    The best accuracy possible is Phi(distance / 2): .933 at 3.

    References:
        In kind the two-Gaussian data of Ishida et al. 2020, arXiv 2002.08709; sizes and distance ours.
    """

    def drawn(generator: np.random.Generator, count: int) -> Points:
        y = _balanced(generator, count)
        centre = distance / 2 / np.sqrt(dimensions)
        return generator.normal(size=(count, dimensions)) + (2 * y[:, None] - 1) * centre, y

    return _parts("gaussians", drawn, (train, selection, test), seed)


def sinusoid(train: int = 500, selection: int = 500, test: int = 5000, frequency: float = 1.0, seed: int = 0) -> Raw:
    """Points even over [-1, 1]^2; the class is whether they lie above sin(2 pi frequency x) / 2. The best accuracy is 1 [ours]."""

    def drawn(generator: np.random.Generator, count: int) -> Points:
        x = generator.uniform(-1, 1, size=(count, 2))
        return x, (x[:, 1] > 0.5 * np.sin(2 * np.pi * frequency * x[:, 0])).astype(np.int64)

    return _parts("sinusoid", drawn, (train, selection, test), seed)


def spiral(train: int = 500, selection: int = 500, test: int = 5000, turns: float = 1.5, noise: float = 0.05, seed: int = 0) -> Raw:
    """Two spirals wound into each other, radius 0 to 1 in `turns` turns; Gaussian noise of deviation `noise` on both coordinates [ours]."""

    def drawn(generator: np.random.Generator, count: int) -> Points:
        y = _balanced(generator, count)
        radius = np.sqrt(generator.uniform(size=count))
        angle = 2 * np.pi * turns * radius + np.pi * y
        x = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return x + noise * generator.normal(size=x.shape), y

    return _parts("spiral", drawn, (train, selection, test), seed)


def _balanced(generator: np.random.Generator, count: int) -> NDArray[np.int64]:
    return generator.permutation(np.arange(count) % 2)


def _parts(name: str, drawn: Callable[[np.random.Generator, int], Points], sizes: tuple[int, int, int], seed: int) -> Raw:
    if min(sizes) < 4:
        raise ValueError(f"{name} needs at least 4 examples in each part, got train, selection, test = {sizes}")
    train, selection, test = (
        _raw(*drawn(stream(seed, f"{name}-{part}"), size)) for part, size in zip(("train", "selection", "test"), sizes, strict=True)
    )
    return Raw(train.x, train.y, CLASSES, selection=selection, test=test)


def _raw(x: NDArray[np.float64], y: NDArray[np.int64]) -> Raw:
    return Raw(x.astype(np.float32), y, CLASSES)
