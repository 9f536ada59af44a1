"""What predictions of several seeds say together: stability by seed, and how much of the accuracy's variance is noise of the split.

Works on blocks of configurations with one number of seeds, predictions (C, k, N). numpy only.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from trainables.scores import NO_PREDICTION

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]


def pair_agreement(predictions: Ints) -> Floats:
    """Share of examples on which two seeds agree, (C, k, k), symmetric with a zero diagonal; a diverged seed agrees with nobody."""
    configurations, seeds, examples = predictions.shape
    agreement = np.zeros((configurations, seeds, seeds))
    made = predictions[:, :, 0] != NO_PREDICTION
    for a, b in combinations(range(seeds), 2):
        same = np.count_nonzero(predictions[:, a] == predictions[:, b], axis=1) / examples
        agreement[:, a, b] = agreement[:, b, a] = np.where(made[:, a] & made[:, b], same, 0.0)
    return agreement


def stability_by_seed(agreement: Floats) -> Floats:
    """Jackknife pseudo-values of stability, (C, k): k U - (k - 1) U_without_s, U the mean agreement over pairs of seeds.

    Their mean is U = 1 - churn exactly, and their variance over k estimates U's: stability is treated like any other score of a seed
    from here on. With two seeds nothing can be left out: both pseudo-values are U. nan with one seed.

    References:
        Efron and Stein 1981 (*read*): the jackknife's variance of such a mean over pairs is not too small on average.
    """
    seeds = agreement.shape[1]
    if seeds < 2:
        return np.full(agreement.shape[:2], np.nan)
    total = agreement.sum((1, 2)) / 2
    stability = total / (seeds * (seeds - 1) / 2)
    if seeds == 2:
        return np.repeat(stability[:, None], 2, axis=1)
    without = (total[:, None] - agreement.sum(2)) / ((seeds - 1) * (seeds - 2) / 2)
    return seeds * stability[:, None] - (seeds - 1) * without


def split_noise(right: NDArray[np.bool_]) -> Floats:
    """(1/n^2) sum_i k/(k-1) p_i (1 - p_i), (C,), from correctness (C, k, N): the accuracy's variance if examples flipped independently."""
    _, seeds, examples = right.shape
    if seeds < 2:
        return np.full(len(right), np.nan)
    count = right.sum(1, dtype=np.int64)
    return (count * (seeds - count)).sum(1) / (seeds * (seeds - 1) * float(examples) ** 2)
