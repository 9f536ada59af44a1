"""Methods over several data sets: aggregates that few runs can carry, and only where there are enough of them.

Each study gives each of its methods one set of runs: the seeds of the method's best configuration, on the test split where it was
confirmed. Studies on one data set are several runs of it, not several data sets.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.comparable import Judged, meaning
from analysis.compare import against, by_seed
from trainables.draws import stream

Floats = NDArray[np.floating]
Runs = dict[str, list[Floats]]
"""Method to its runs' utilities, an array (seeds,) a data set, data sets in one order for all."""

ENOUGH = 20
"""Seeds times data sets of a method that aggregates need."""

METHODS, DATA_SETS = 10, 10
"""Most methods, and fewest data sets, of a critical-difference diagram."""

RESAMPLES = 2000


class Aggregate(NamedTuple):
    """A method over all data sets: interquartile mean and optimality gap, each with its 95 % interval, and how many runs."""

    method: str
    middle: float
    middle_low: float
    middle_high: float
    gap: float
    gap_low: float
    gap_high: float
    runs: int


class Critical(NamedTuple):
    """Friedman's test over data sets and Nemenyi's critical difference of mean ranks (1 the best) at 5 %."""

    ranks: dict[str, float]
    difference: float
    p: float


def best(judged: Sequence[Judged]) -> pd.DataFrame:
    """The best configuration of each method in each study, with its gain in utility over that study's ERM."""
    rows = []
    for one in judged:
        gains = against(one.table, one.ranked)
        gains = gains[gains["figure"] == "utility"].set_index("method")
        for _, row in one.ranked.frame.groupby("method", sort=False).head(1).iterrows():
            gain = gains.loc[row["method"]] if row["method"] in gains.index else None
            found = {
                name: row[name]
                for name in ("method", "configuration", "knobs", "seeds", "accuracy", "tail", "stability", "utility", "guarantee")
            }
            ends = {name: row[name] for name in ("utility_low", "utility_high")}
            told = {name: np.nan if gain is None else gain[name] for name in ("gain", "low", "high", "p_holm", "chance")}
            rows.append({"study": one.table.name, "data": one.data, "split": one.table.split, **found, **ends, **told})
    return pd.DataFrame(rows)


def runs(judged: Sequence[Judged]) -> Runs:
    """Runs of the methods that every data set has under one meaning; of several studies on one data set the runs are pooled."""
    by_data: dict[str, dict[str, list[Floats]]] = {}
    for one in judged:
        utility = by_seed(one.table, one.ranked, "utility")
        index = one.ranked.summary.configurations.index
        for key, row in one.ranked.frame.groupby("method", sort=False).head(1).iterrows():
            values = utility[index.get_indexer(pd.Index([key]))[0]]
            by_data.setdefault(one.data, {}).setdefault(str(row["method"]), []).append(values[np.isfinite(values)])
    common = [name for name in shared(judged) if all(name in methods for methods in by_data.values())]
    return {name: [np.concatenate(methods[name]) for methods in by_data.values()] for name in common}


def shared(judged: Sequence[Judged]) -> list[str]:
    """Method names that mean one thing wherever they occur: the same combination, trained in the same scenario."""
    meanings: dict[str, set[tuple[object, ...]]] = {}
    for one in judged:
        for method in one.table.methods:
            meanings.setdefault(method, set()).add(meaning(one.table, method))
    return [method for method, found in meanings.items() if len(found) == 1]


def enough(found: Runs) -> bool:
    """Whether there are two data sets or more, and seeds x data sets reach `ENOUGH` for every method."""
    return bool(found) and all(len(sets) >= 2 and sum(map(len, sets)) >= ENOUGH for sets in found.values())


def aggregates(found: Runs) -> list[Aggregate]:
    """Interquartile mean and optimality gap of each method, best first; intervals from a bootstrap stratified by data set.

    Data sets weigh equally, however many seeds each has: a race gives its leaders more, and a method more on one data set than another.

    References:
        Agarwal and others 2021, sections 4.1 to 4.3 (*read*).
    """
    told = []
    for method, sets in found.items():
        samples, pooled = _resampled(sets, method), np.concatenate(sets)
        weights = np.concatenate([np.full(len(values), 1 / len(values)) for values in sets])
        middles, gaps = ((float(of(pooled, weights)), *_ends(of(samples, weights))) for of in (middle, gap))
        told.append(Aggregate(method, *middles, *gaps, len(pooled)))
    return sorted(told, key=lambda one: -one.middle)


def middle(values: Floats, weights: Floats) -> Floats:
    """Interquartile mean of runs (..., n) with weights (n,): the mean of the middle half of the weight, (...)."""
    order = np.argsort(values, axis=-1)
    own = weights[order] / weights.sum()
    above = np.cumsum(own, axis=-1)
    inside = np.clip(np.minimum(above, 0.75) - np.maximum(above - own, 0.25), 0, None)
    return (inside * np.take_along_axis(values, order, axis=-1)).sum(-1) / inside.sum(-1)


def gap(values: Floats, weights: Floats, target: float = 1.0) -> Floats:
    """Optimality gap of runs (..., n) with weights (n,): how far they fall short of the target on average, (...)."""
    return target - np.average(np.minimum(values, target), axis=-1, weights=weights)


def profile(found: Runs, at: Floats) -> dict[str, tuple[Floats, Floats, Floats]]:
    """Performance profile of each method: (share of runs above each utility, low, high), data sets weighing equally."""
    told = {}
    for method, sets in found.items():
        samples = [_above(_split(sample, sets), at) for sample in _resampled(sets, method)]
        low, high = np.quantile(samples, [0.025, 0.975], axis=0)
        told[method] = _above(sets, at), low, high
    return told


def critical(found: Runs) -> Critical | None:
    """Critical differences; None with more than ten methods, fewer than three, or fewer than ten data sets.

    References:
        Demsar 2006, section 3.2.2 (*read*).
    """
    sizes = {len(sets) for sets in found.values()}
    if not 3 <= len(found) <= METHODS or min(sizes, default=0) < DATA_SETS:
        return None
    means = np.array([[values.mean() for values in sets] for sets in found.values()])
    ranks = stats.rankdata(-means, axis=0).mean(1)
    methods, sets = means.shape
    studentised = float(stats.studentized_range.ppf(0.95, methods, np.inf)) / np.sqrt(2)
    difference = studentised * np.sqrt(methods * (methods + 1) / (6 * sets))
    return Critical(dict(zip(found, ranks.tolist(), strict=True)), float(difference), float(stats.friedmanchisquare(*means).pvalue))


def _ends(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _resampled(sets: Sequence[Floats], method: str) -> Floats:
    """Runs drawn again with replacement within each data set, the sets one after the other: (resamples, runs)."""
    source = stream(0, f"bootstrap of {method}")
    drawn = [values[source.integers(0, len(values), (RESAMPLES, len(values)))] for values in sets]
    return np.concatenate(drawn, axis=1)


def _split(sample: Floats, sets: Sequence[Floats]) -> list[Floats]:
    return np.split(sample, np.cumsum([len(values) for values in sets])[:-1])


def _above(sets: Sequence[Floats], at: Floats) -> Floats:
    return np.mean([(values[:, None] > at).mean(0) for values in sets], axis=0)
