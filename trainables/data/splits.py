"""Seeded, stratified splits, and what a study may do to the training labels."""

import numpy as np
from numpy.typing import NDArray

from trainables.draws import stream

Ints = NDArray[np.int64]


def stratified(y: Ints, share: float, generator: np.random.Generator) -> tuple[Ints, Ints]:
    """Indices of a part holding `share` of every class, and of the rest; both sorted.

    Each part has at least one example of each class. A smaller share's part lies within a larger one's.

    Raises:
        ValueError: If a class has too few examples for both parts.
    """
    part: list[Ints] = []
    for label in np.unique(y):
        members = generator.permutation(np.flatnonzero(y == label))
        if len(members) < 2:
            raise ValueError(
                f"class {label} must have at least 2 examples to be split, it has {len(members)}; add examples or drop the class"
            )
        part.append(members[: min(max(1, round(share * len(members))), len(members) - 1)])
    chosen = np.sort(np.concatenate(part))
    return chosen, np.setdiff1d(np.arange(len(y)), chosen)


def subset(y: Ints, fraction: float, seed: int) -> Ints:
    """Indices of a stratified share of the examples, at least one a class, sorted: all of them at 1."""
    generator = stream(seed, "fraction")
    parts = [generator.permutation(np.flatnonzero(y == label)) for label in np.unique(y)]
    return np.sort(np.concatenate([part[: max(1, round(fraction * len(part)))] for part in parts]))


def with_label_noise(y: Ints, classes: int, noise: float, seed: int) -> Ints:
    """Labels of which a random share `noise` is replaced by another class, drawn evenly among the others (symmetric noise).

    Exactly round(noise * N) labels are wrong afterwards. What a smaller share flips, a larger one flips to the same classes.
    """
    generator = stream(seed, "label-noise")
    flipped = generator.permutation(len(y))[: round(noise * len(y))]
    noisy = y.copy()
    noisy[flipped] = (y[flipped] + generator.integers(1, classes, len(flipped))) % classes
    return noisy
