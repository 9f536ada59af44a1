"""Configurations summed up: mean, interval, moderated spread, shrunken mean and lower bound of each figure, from the members' scores.

Only configurations trained to the end are summed up; those dropped at a rung were scored after fewer epochs and are not comparable.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import statistics
from analysis.table import FIGURES, Table
from trainables.evidence import FAILED

Floats = NDArray[np.floating]

WEIGHTS = {"mean": 0.5, "tail": 0.5}
"""U = w_mean accuracy + w_tail tail."""

USEFULNESS = "utility"
"""The name of U among the figures."""


class Figure(NamedTuple):
    """One figure of all configurations, arrays (C,), in [0, 1].

    Attributes:
        mean: m_c over seeds. half: half of its 95 % interval; nan where nothing is known of the spread.
        raw: s_c^2 over seeds. raw_df: its degrees of freedom.
        variance: s~_c^2, moderated. df: its degrees of freedom.
        shrunk: mu_c. shrunk_variance: variance of mu_c. lower: L_c, what a retraining exceeds with chance .95.
        usual: Configurations of the population that the shrinkage was fitted to.
        centre, spread: That population's mean and the variance of its true means; nan where it was too small.
        floor: Variance that rounding to whole examples leaves.
    """

    mean: Floats
    half: Floats
    raw: Floats
    raw_df: Floats
    variance: Floats
    df: Floats
    shrunk: Floats
    shrunk_variance: Floats
    lower: Floats
    usual: NDArray[np.bool_]
    centre: float
    spread: float
    floor: float


class Summary(NamedTuple):
    """All complete configurations summed up.

    Attributes:
        configurations: Their rows of `Table.configurations`, in the order of the arrays.
        seeds, failures: (C,).
        figures: accuracy, tail, stability and utility.
        correlation: Within-configuration correlation of (accuracy, tail, stability) over seeds, pooled, (3, 3).
        weights: Of the utility, summing to 1.
    """

    configurations: pd.DataFrame
    seeds: Floats
    failures: Floats
    figures: dict[str, Figure]
    correlation: Floats
    weights: dict[str, float]


def weights_checked(weights: Mapping[str, float]) -> dict[str, float]:
    """The weights scaled to sum 1, so that the utility has the unit of accuracy.

    Raises:
        ValueError: If a name is neither mean nor tail, a weight is negative, or all are 0.
    """
    wrong = sorted(set(weights) - set(WEIGHTS))
    if wrong:
        raise ValueError(
            f"weights must be named mean and tail, got {', '.join(wrong)}; stability enters through the lower bound, not a weight"
        )
    values = {name: float(weights.get(name, 0.0)) for name in WEIGHTS}
    total = sum(values.values())
    if not all(np.isfinite(value) and value >= 0 for value in values.values()) or total <= 0:
        raise ValueError(f"weights must be at least 0 and not all 0, got {dict(weights)}; the default is mean=.5,tail=.5")
    return {name: value / total for name, value in values.items()}


def summarise(table: Table, weights: Mapping[str, float] = WEIGHTS) -> Summary:
    """Sum up the configurations of a table that were trained to the end.

    Raises:
        ValueError: If there is none yet, or the weights make no sense.
    """
    weights = weights_checked(weights)
    configurations = table.configurations[table.configurations["state"] == "complete"]
    if configurations.empty:
        raise ValueError(
            f"a ranking needs a configuration trained to the end, and study {table.name!r} has none yet; let it run on or resume it"
        )
    members = table.members[table.members["scored"] & table.members["key"].isin(configurations.index)]
    members = members.assign(utility=weights["mean"] * members["accuracy"] + weights["tail"] * members["tail"])
    place = configurations.index.get_indexer(pd.Index(members["key"]))
    diverged = members["status"].isin(FAILED).to_numpy()
    seeds = np.bincount(place, minlength=len(configurations)).astype(float)
    failures = np.bincount(place[diverged], minlength=len(configurations)).astype(float)
    strata = configurations.groupby(["method", "epochs"]).ngroup().to_numpy().astype(np.intp)
    floors = _floors(table, weights)
    figures = {
        name: figure_of(members[name].to_numpy(float), place, seeds, failures, strata, floors[name], jackknife=name == "stability")
        for name in ("accuracy", "tail", "stability", USEFULNESS)
    }
    return Summary(configurations, seeds, failures, figures, _correlation(members, place, seeds, failures), weights)


def figure_of(
    values: Floats,
    place: NDArray[np.intp],
    seeds: Floats,
    failures: Floats,
    strata: NDArray[np.intp],
    floor: float = statistics.FLOOR,
    *,
    jackknife: bool = False,
) -> Figure:
    """One figure from the members' scores.

    Args:
        values: Scores (M,). place: position of each one's configuration, (M,).
        seeds, failures, strata: Of the configurations, (C,).
        floor: Least variance, as in `statistics.fit_prior`.
        jackknife: The scores are pseudo-values of agreement, whose spread takes three seeds.
    """
    count = len(seeds)
    mean = np.bincount(place, weights=values, minlength=count) / seeds
    squares = np.bincount(place, weights=(values - mean[place]) ** 2, minlength=count)
    least = 3 if jackknife else 2
    raw_df = np.where((seeds >= least) & np.isfinite(mean), seeds - 1, 0.0)
    raw = np.where(raw_df > 0, squares / np.maximum(seeds - 1, 1), np.nan)
    failed = failures > 0
    variance, df = statistics.moderate_within(raw, raw_df, strata, ~failed, floor)
    known = (df > 0) & np.isfinite(variance) & np.isfinite(mean)
    of_mean = np.where(known, variance / seeds, np.nan)
    usual = known & statistics.typical(np.where(np.isfinite(mean), mean, -np.inf), failed | ~known)
    shrunk = statistics.shrink(mean, of_mean, usual)
    bare = np.where(known, df, 0.0)
    return Figure(
        mean,
        statistics.half_width(variance, bare, seeds),
        raw,
        raw_df,
        variance,
        bare,
        shrunk.mean,
        shrunk.variance,
        statistics.lower_bound(shrunk.mean, shrunk.variance, variance, bare),
        usual,
        shrunk.centre,
        shrunk.spread,
        floor,
    )


def _floors(table: Table, weights: Mapping[str, float]) -> dict[str, float]:
    """Rounding variance 1/(12 n^2) of a share of n examples; for the tail, n of the smallest class or group it may be taken over."""
    if table.truth is None:
        return dict.fromkeys((*FIGURES, USEFULNESS), statistics.FLOOR)
    parts = np.bincount(table.truth.group if str(table.intent.get("tail", "")) == "worst-group" else table.truth.y)
    whole, smallest = (1 / (12 * float(size) ** 2) for size in (len(table.truth.y), parts[parts > 0].min()))
    tail = statistics.FLOOR if str(table.intent.get("tail", "")).startswith("cvar") else smallest
    utility = weights["mean"] ** 2 * whole + weights["tail"] ** 2 * tail
    return {"accuracy": whole, "tail": tail, "stability": whole, USEFULNESS: max(utility, statistics.FLOOR)}


def _correlation(members: pd.DataFrame, place: NDArray[np.intp], seeds: Floats, failures: Floats) -> Floats:
    """Pooled over configurations without failure: accuracy and tail from two seeds, stability from three; 0 where nothing is known."""
    off = np.stack([_deviations(members[name].to_numpy(float), place, seeds) for name in FIGURES], axis=1)
    off[((seeds < 2) | (failures > 0))[place]] = np.nan
    off[(seeds < 3)[place], FIGURES.index("stability")] = np.nan
    known = np.isfinite(off)
    filled = np.where(known, off, 0.0)
    cross = filled.T @ filled
    scale = (filled**2).T @ known
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.nan_to_num(cross / np.sqrt(scale * scale.T))
    np.fill_diagonal(found, 1.0)
    return found


def _deviations(values: Floats, place: NDArray[np.intp], seeds: Floats) -> Floats:
    return values - (np.bincount(place, weights=values, minlength=len(seeds)) / seeds)[place]
