"""Seeded, stratified splits, and what a study may do to the training split: fewer examples, a long tail, wrong labels."""

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
    labels, counts = np.unique(y, return_counts=True)
    if counts.min() < 2:
        lone = labels[counts.argmin()]
        raise ValueError(f"class {lone} must have at least 2 examples to be split, it has {counts.min()}; add some or drop the class")
    return held_out(y, share, generator)


def held_out(y: Ints, share: float, generator: np.random.Generator) -> tuple[Ints, Ints]:
    """As `stratified`, but a class with a single example, which a long tail or noise may leave, stays in the rest."""
    part: list[Ints] = []
    for label in np.unique(y):
        members = generator.permutation(np.flatnonzero(y == label))
        part.append(members[: min(max(1, round(share * len(members))), len(members) - 1)])
    chosen = np.sort(np.concatenate(part))
    return chosen, np.setdiff1d(np.arange(len(y)), chosen)


def subset(y: Ints, fraction: float, seed: int) -> Ints:
    """Indices of a stratified share of the examples, at least one a class, sorted: all of them at 1."""
    _, counts = np.unique(y, return_counts=True)
    return _of_each_class(y, np.maximum(1, np.round(fraction * counts)), stream(seed, "fraction"))


def long_tail(y: Ints, imbalance: float, seed: int) -> Ints:
    """Indices of a part whose class counts fall off as n_c = n_0 imbalance^(-c / (C - 1)), sorted.

    n_0 is the largest class' count and classes fall in their order, so that the last keeps 1 / imbalance of n_0. A class that has fewer
    than its n_c keeps what it has; each keeps at least one example. A longer tail's part lies within a shorter one's.

    References:
        After Cui et al. 2019, arXiv 1901.05555, who name the imbalance factor [formula ours].
    """
    _, counts = np.unique(y, return_counts=True)
    place = np.arange(len(counts)) / max(1, len(counts) - 1)
    return _of_each_class(y, np.maximum(1, np.round(counts.max() * imbalance**-place)), stream(seed, "long-tail"))


def _of_each_class(y: Ints, counts: NDArray[np.floating], generator: np.random.Generator) -> Ints:
    """Indices of `counts[k]` random examples of the k-th class present, sorted."""
    parts = [generator.permutation(np.flatnonzero(y == label)) for label in np.unique(y)]
    return np.sort(np.concatenate([part[: int(count)] for part, count in zip(parts, counts, strict=True)]))


def with_label_noise(y: Ints, classes: int, noise: float, seed: int, kind: str = "symmetric") -> Ints:
    """Labels of which a random share `noise` is replaced by another class.

    Exactly round(noise * N) labels are wrong afterwards. What a smaller share flips, a larger one flips to the same classes.

    Args:
        y: Labels (N,).
        classes: How many classes there are.
        noise: Share in [0, 1].
        seed: Seed of the noise; both kinds flip the same examples.
        kind: "symmetric" draws the wrong class evenly among the others; "pairwise" takes the next class, the last one's being the first.
    """
    generator = stream(seed, "label-noise")
    flipped = generator.permutation(len(y))[: round(noise * len(y))]
    step = 1 if kind == "pairwise" else generator.integers(1, classes, len(flipped))
    noisy = y.copy()
    noisy[flipped] = (y[flipped] + step) % classes
    return noisy
