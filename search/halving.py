"""Who goes on at a rung: successive halving inside a group, where every member has trained the same number of epochs.

With several objectives "better" is Pareto dominance: fronts are peeled off one after the other, and the front that the cut goes
through is thinned by crowding, so that what goes on covers the trade-off. A member's scores are noisy, so whoever might have made the
cut with one standard error more stays as well.
"""

import math

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]


def survivors(scores: Scores, keep: float) -> NDArray[np.intp]:
    """Indices of the configurations that go on, ascending; at least one.

    The best ceil(keep * configurations) by front, then by crowding, then by order; and every other configuration whose mean, raised by one
    pooled standard error in every objective, dominates one of those. With one seed there is no standard error and no such mercy.

    Args:
        scores: (configurations, seeds, objectives), all at the same epoch, larger is better, finite. Where an objective belongs to a
            configuration and not to its members (stability), give each seed its mean agreement with the others.
        keep: Share that goes on, in (0, 1].

    Raises:
        ValueError: If the scores have another shape, are not finite, or the share is none.

    References:
        Deb et al. 2002, NSGA-II, sections III.A and III.B (fronts and crowding); the margin is ours.
    """
    if scores.ndim != 3 or 0 in scores.shape:
        raise ValueError(f"scores must have the shape (configurations, seeds, objectives), none of them 0, got {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite: give chance level for a diverged member")
    if not 0 < keep <= 1:
        raise ValueError(f"keep must be a share in (0, 1], got {keep:g}")
    means = scores.mean(axis=1)
    count = math.ceil(keep * len(means) - 1e-9)
    chosen = preference(means)[:count]
    spared = np.asarray(dominates(means + standard_error(scores), means[chosen]).any(axis=1))
    spared[chosen] = True
    return np.flatnonzero(spared)


def preference(means: Scores) -> NDArray[np.intp]:
    """Indices of all configurations, best first: by front, then the least crowded of a front, then by order.

    Args:
        means: (configurations, objectives).
    """
    ranks = fronts(means)
    crowding = np.zeros(len(means))
    for rank in range(ranks.max() + 1):
        members = np.flatnonzero(ranks == rank)
        crowding[members] = distances(means[members])
    return np.lexsort((np.arange(len(means)), -crowding, ranks))


def fronts(means: Scores) -> NDArray[np.intp]:
    """The front of each configuration, 0 the best: nobody left after the fronts before it dominates its members.

    Args:
        means: (configurations, objectives).
    """
    beaten = dominates(means, means)
    ranks = np.full(len(means), -1)
    rank = 0
    while (ranks < 0).any():
        left = ranks < 0
        ranks[left & ~beaten[left].any(axis=0)] = rank
        rank += 1
    return ranks


def dominates(left: Scores, right: Scores) -> NDArray[np.bool_]:
    """(len(left), len(right)): whether a row of `left` is as good as one of `right` in every objective and better in one."""
    as_good = (left[:, None] >= right[None]).all(axis=2)
    better = (left[:, None] > right[None]).any(axis=2)
    return np.asarray(as_good & better)


def distances(means: Scores) -> NDArray[np.floating]:
    """Crowding distance of each member of one front: the summed, scaled gap between its two neighbours; inf at an objective's ends.

    Among equal members the first in order counts as the end, so that copies crowd each other.
    """
    total = np.zeros(len(means))
    for values in means.T:
        order = np.argsort(values, kind="stable")
        span = values[order[-1]] - values[order[0]]
        if span == 0:
            continue
        gaps = (values[order[2:]] - values[order[:-2]]) / span
        total[order[1:-1]] += gaps
        total[order[[0, -1]]] = np.inf
    return total


def standard_error(scores: Scores) -> NDArray[np.floating]:
    """Standard error of a configuration's mean in each objective, its variance pooled over the configurations; 0 with one seed."""
    seeds = scores.shape[1]
    if seeds < 2:
        return np.zeros(scores.shape[2])
    return np.sqrt(scores.var(axis=1, ddof=1).mean(axis=0) / seeds)
