"""Fronts: which configurations no other beats on every figure, how surely, and how much of the space they cover.

All figures are better when larger.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

CERTAIN = 3.0
"""Deviations by which a rival must lead on every figure for a configuration to be left out of the draws."""


def front(points: Floats) -> NDArray[np.bool_]:
    """Whether each of the points (C, F) is dominated by none: no other is as good everywhere and better somewhere.

    Strikes out what each survivor dominates, the largest sum first: whoever dominates has the larger sum, so no survivor is struck later.
    """
    index = np.lexsort((*points.T[::-1], points.sum(1)))[::-1]
    ordered = points[index]
    place = 0
    while place < len(ordered):
        beaten = (ordered <= ordered[place]).all(1) & (ordered < ordered[place]).any(1)
        ordered, index = ordered[~beaten], index[~beaten]
        place += 1
    inside = np.zeros(len(points), bool)
    inside[index] = True
    return inside


def chance_of_front(draws: Floats, least: Floats, most: Floats) -> Floats:
    """P(non-dominated) of each configuration, (C,), from joint draws (D, C, F).

    Args:
        draws: Joint draws of the true figures.
        least, most: Plausible range (C, F) of each figure: whoever's best is below a rival's worst everywhere gets chance 0 undrawn.
    """
    rivals = least[front(least)]
    hopeless = np.array([bool((rivals > point).all(1).any()) for point in most])
    rows = np.flatnonzero(~hopeless)
    chance = np.zeros(draws.shape[1])
    values = np.ascontiguousarray(draws[:, rows])
    chance[rows] = np.mean([front(sample) for sample in values], axis=0) if len(rows) else 0.0
    return chance


def hypervolume(points: Floats, reference: Floats) -> float:
    """Volume between a reference and the points (C, F) with F of 2 or 3, by slices along the last figure.

    Points that do not exceed the reference everywhere add nothing.
    """
    inside = points[(points > reference).all(1)]
    if not len(inside):
        return 0.0
    if points.shape[1] == 2:
        return _area(inside, reference)
    order = np.argsort(-inside[:, 2], kind="stable")
    inside = inside[order]
    bottoms = np.append(inside[1:, 2], reference[2])
    heights = inside[:, 2] - bottoms
    return float(sum(height * _area(inside[: place + 1, :2], reference[:2]) for place, height in enumerate(heights) if height > 0))


def _area(points: Floats, reference: Floats) -> float:
    ordered = points[np.argsort(-points[:, 0], kind="stable")]
    tops = np.maximum.accumulate(ordered[:, 1])
    right = np.append(ordered[1:, 0], reference[0])
    return float(((ordered[:, 0] - right) * (tops - reference[1])).sum())
