"""Scores of members from their per-example results: mean accuracy, tail performance, stability. numpy only.

Every score lies in [0, 1] and larger is better. A diverged member made no predictions: it scores chance level and agrees
with nobody, so that it counts as the failure it is instead of dropping out of an average.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

NO_PREDICTION = -1
"""Stands in a diverged member's predictions."""


class Truth(NamedTuple):
    """What a split holds: labels y (N,), group of each example (N,) and the number of classes."""

    y: Ints
    group: Ints
    classes: int


def accuracy(predictions: Ints, truth: Truth) -> float:
    """Share of right predictions (N,); chance level, 1/classes, for a diverged member."""
    if _diverged(predictions):
        return 1 / truth.classes
    return float(np.mean(predictions == truth.y))


def worst_class(predictions: Ints, losses: Floats, truth: Truth) -> float:
    """Accuracy on the class where it is lowest. Over few examples a class it is biased downwards: show each class' n."""
    return _worst(predictions, truth, truth.y)


def worst_group(predictions: Ints, losses: Floats, truth: Truth) -> float:
    """Accuracy on the group where it is lowest."""
    return _worst(predictions, truth, truth.group)


def cvar(level: float) -> Callable[[Ints, Floats, Truth], float]:
    """Tail score from the mean of the worst `level` share of cross-entropies, as the probability exp(-CVaR).

    Taken of the cross-entropy, never of the 0/1 loss, whose CVaR is 1 as soon as the error exceeds the level. The exponential
    puts it into the unit of accuracy: the geometric mean probability given to the truth over the worst examples.
    """

    def tail(predictions: Ints, losses: Floats, truth: Truth) -> float:
        if _diverged(predictions):
            return 1 / truth.classes
        worst = np.sort(losses.astype(np.float64))[::-1]
        size = level * len(worst)
        whole = int(size)
        total = worst[:whole].sum() + (size - whole) * (worst[whole] if whole < len(worst) else 0.0)
        return float(np.exp(-total / size))

    return tail


def tail_named(name: str) -> Callable[[Ints, Floats, Truth], float]:
    """The tail score of a study file: `worst-class`, `worst-group` or `cvar(a)` with 0 < a <= 1.

    Raises:
        ValueError: If the name is none of these.
    """
    if name in _TAILS:
        return _TAILS[name]
    match = re.fullmatch(r"cvar\((0?\.\d+|1(?:\.0*)?)\)", name.replace(" ", ""))
    if match and float(match[1]) > 0:
        return cvar(float(match[1]))
    raise ValueError(f"tail must be worst-class, worst-group or cvar(a) with 0 < a <= 1, got {name!r}")


def churn(predictions: Ints) -> float:
    """Mean pairwise disagreement between seeds, predictions (seeds, N); nan with one seed.

    Counted on predictions sorted by seed within each example, without a table of classes.
    """
    seeds, examples = predictions.shape
    if seeds < 2:
        return float("nan")
    ordered = np.sort(predictions, axis=0)
    agreeing = 0
    for left in range(seeds - 1):
        agreeing += np.count_nonzero((ordered[left + 1 :] == ordered[left]) & (ordered[left] != NO_PREDICTION))
    return float(1 - agreeing / (examples * seeds * (seeds - 1) / 2))


def agreement(predictions: Ints) -> Floats:
    """Each seed's mean agreement with the other seeds, predictions (seeds, N) to (seeds,); its mean is the stability."""
    seeds = len(predictions)
    if seeds < 2:
        return np.full(seeds, np.nan)
    made = predictions != NO_PREDICTION
    pairs = [[np.mean((one == other) & valid) for other in predictions] for one, valid in zip(predictions, made, strict=True)]
    table = np.asarray(pairs)
    return (table.sum(1) - table.diagonal()) / (seeds - 1)


def stability(predictions: Ints) -> float:
    """1 - churn: the chance that two retrainings agree on an example. predictions (seeds, N); nan with one seed."""
    return 1 - churn(predictions)


def _worst(predictions: Ints, truth: Truth, part: Ints) -> float:
    if _diverged(predictions):
        return 1 / truth.classes
    size = np.bincount(part)
    right = np.bincount(part, weights=predictions == truth.y, minlength=len(size))
    return float(np.min(right[size > 0] / size[size > 0]))


def _diverged(predictions: Ints) -> bool:
    return bool((predictions == NO_PREDICTION).any())


_TAILS: dict[str, Callable[[Ints, Floats, Truth], float]] = {"worst-class": worst_class, "worst-group": worst_group}
