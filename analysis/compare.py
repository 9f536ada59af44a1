"""Methods against ERM: paired over common seeds, corrected for their number, with the chance that a retraining wins.

A method is represented by its best configuration under the ranking's rule. That one was chosen for looking good, so its measured gain
is too high on the selection split; confirmed seeds on the test split are free of that.
"""

from math import comb
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from analysis import statistics
from analysis.ranking import Ranking
from analysis.table import BASELINE, Table

Floats = NDArray[np.floating]

MEANINGFUL = 0.75
"""Least P(A > B) of a gain that matters, if its lower bound also exceeds one half (Bouthillier and others 2021, section 4.2; *read*)."""


class Contrast(NamedTuple):
    """A against B in one figure.

    Attributes:
        gain: Mean of A less mean of B. low, high: 95 % interval. p: two-sided p-value. df: degrees of freedom.
        chance: P(A > B) for one retraining of each. chance_low, chance_high: its 95 % interval.
        seeds: Seeds compared. paired: whether seed by seed.
    """

    gain: float
    low: float
    high: float
    p: float
    df: float
    chance: float
    chance_low: float
    chance_high: float
    seeds: int
    paired: bool


class Pairing(NamedTuple):
    """What common seeds share in one figure.

    Attributes:
        correlation: Between configurations over seeds, pooled.
        prior: For variances of differences. limit: most degrees of freedom that it may give.
        floor: Least variance of a difference.
    """

    correlation: float
    prior: statistics.Prior
    limit: float
    floor: float = statistics.FLOOR


def against(table: Table, ranked: Ranking) -> pd.DataFrame:
    """The best configuration of each method against ERM's, one row a method and figure (accuracy, tail, utility), best methods first.

    p-values are Holm's over the methods within a figure. Empty without ERM, or without another method.
    """
    columns = ["method", "configuration", "figure", *Contrast._fields, "p_holm", "meaningful", "correlation"]
    if ranked.baseline is None:
        return pd.DataFrame(columns=columns)
    frame = ranked.frame[ranked.frame["method"] != BASELINE]
    best = frame.groupby("method", sort=False).head(1)
    rows = []
    for name in ("accuracy", "tail", "utility"):
        scores = by_seed(table, ranked, name)
        figure = ranked.summary.figures[name]
        shared = pairing(scores[figure.usual], 2 * figure.floor)
        found = [_of_keys(ranked, name, scores, shared, int(str(key))) for key in best.index]
        corrected = holm(np.array([contrast.p for contrast in found]))
        for (_, row), contrast, p in zip(best.iterrows(), found, corrected.tolist(), strict=True):
            meaningful = contrast.chance_low > 0.5 and contrast.chance >= MEANINGFUL
            rows.append((row["method"], row["configuration"], name, *contrast, p, meaningful, shared.correlation))
    return pd.DataFrame(rows, columns=columns)


def by_seed(table: Table, ranked: Ranking, name: str) -> Floats:
    """A figure as (configurations of the summary, seeds), nan where a seed is missing."""
    index = ranked.summary.configurations.index
    members = table.members[table.members["scored"] & table.members["key"].isin(index)]
    seeds, column = np.unique(members["seed"].to_numpy(), return_inverse=True)
    scores = np.full((len(index), len(seeds)), np.nan)
    weights = ranked.weights
    values = weights["mean"] * members["accuracy"] + weights["tail"] * members["tail"] if name == "utility" else members[name]
    scores[index.get_indexer(pd.Index(members["key"])), column] = values.to_numpy(float)
    return scores


def pairing(scores: Floats, floor: float = statistics.FLOOR) -> Pairing:
    """What common seeds share, from disjoint pairs of neighbouring configurations: (C, S), nan where a seed is missing.

    correlation = 1 - sum var(A - B) / sum (var A + var B), pooled. Pairs are disjoint so that the variances behind the prior are
    independent; differences to ERM would all hold ERM's few seeds (ours).
    """
    a, b = scores[: len(scores) // 2 * 2 : 2], scores[1::2]
    common = np.isfinite(a) & np.isfinite(b)
    df = np.maximum(common.sum(1) - 1, 0).astype(float)
    rows = df > 0
    if not rows.any():
        return Pairing(0.0, statistics.NO_PRIOR, 0.0, floor)
    of_difference, of_a, of_b = (np.nanvar(np.where(common, values, np.nan)[rows], axis=1, ddof=1) for values in (a - b, a, b))
    total = float((df[rows] * (of_a + of_b)).sum())
    correlation = 1 - float((df[rows] * of_difference).sum()) / total if total > 0 else 0.0
    known = rows.sum() >= statistics.FEWEST
    prior = statistics.fit_prior(of_difference, df[rows], floor) if known else statistics.NO_PRIOR
    return Pairing(correlation, prior, float(df.sum()), floor)


def _of_keys(ranked: Ranking, name: str, scores: Floats, shared: Pairing, key: int) -> Contrast:
    index = ranked.summary.configurations.index
    a, b = (int(index.get_indexer(pd.Index([one]))[0]) for one in (key, ranked.baseline))
    figure = ranked.summary.figures[name]
    if shared.correlation > 0 and (np.isfinite(scores[a]) & np.isfinite(scores[b])).sum() >= 2:
        return paired(scores[a], scores[b], shared)
    return unpaired(scores[a], scores[b], (figure.variance[a], figure.df[a]), (figure.variance[b], figure.df[b]))


def paired(a: Floats, b: Floats, shared: Pairing) -> Contrast:
    """Moderated paired t over the seeds that both have."""
    difference = (a - b)[np.isfinite(a) & np.isfinite(b)]
    seeds = len(difference)
    variance, df = statistics.moderate(difference[None].var(1, ddof=1), np.array([seeds - 1.0]), shared.prior, shared.limit)
    spread = max(float(variance[0]), shared.floor)
    return _contrast(float(difference.mean()), spread, spread / seeds, float(df[0]), seeds, is_paired=True)


def unpaired(a: Floats, b: Floats, spread_a: tuple[float, float], spread_b: tuple[float, float]) -> Contrast:
    """Welch's t with moderated variances, each given as (variance, degrees of freedom)."""
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    parts = np.array([spread_a[0] / len(a), spread_b[0] / len(b)])
    dfs = np.array([spread_a[1], spread_b[1]])
    with np.errstate(invalid="ignore", divide="ignore"):
        df = float(parts.sum() ** 2 / (parts**2 / dfs).sum()) if (dfs > 0).all() else 0.0
    return _contrast(float(a.mean() - b.mean()), spread_a[0] + spread_b[0], float(parts.sum()), df, min(len(a), len(b)), is_paired=False)


def _contrast(gain: float, variance: float, of_mean: float, df: float, seeds: int, *, is_paired: bool) -> Contrast:
    if not (df > 0 and np.isfinite(of_mean)):
        nan = float("nan")
        return Contrast(gain, nan, nan, nan, 0.0, nan, nan, nan, seeds, is_paired)
    of_mean, variance = max(of_mean, statistics.FLOOR), max(variance, statistics.FLOOR)
    t = gain / np.sqrt(of_mean)
    half = float(stats.t.ppf(0.975, df)) * np.sqrt(of_mean)
    effect = gain / np.sqrt(variance)
    low, high = effect_interval(t, df)
    scale = np.sqrt(of_mean / variance)
    chance, least, most = stats.norm.cdf([effect, low * scale, high * scale]).tolist()
    return Contrast(gain, gain - half, gain + half, float(2 * stats.t.sf(abs(t), df)), df, chance, least, most, seeds, is_paired)


def effect_interval(t: float, df: float, level: float = 0.95) -> tuple[float, float]:
    """The noncentralities under which t would be exceeded with chance a/2 and 1 - a/2: the exact interval of a standardised effect.

    References:
        Steiger and Fouladi 1997 (*read*).
    """
    df = min(df, 1e4)
    reach = 10 + 4 * abs(t) / np.sqrt(df) + abs(t)
    wanted = 0.5 + level / 2, 0.5 - level / 2
    found = [optimize.root_scalar(lambda ncp, q=q: _noncentral(t, df, ncp) - q, bracket=(t - reach, t + reach), xtol=1e-6) for q in wanted]
    return float(found[0].root), float(found[1].root)


def _noncentral(t: float, df: float, ncp: float) -> float:
    """P(T <= t) of the noncentral t; where scipy's series gives up, the normal approximation of Johnson and Welch."""
    value = float(stats.nct.cdf(t, df, ncp))
    if np.isfinite(value) and abs(ncp) < 30:
        return value
    return float(stats.norm.cdf((t * (1 - 1 / (4 * df)) - ncp) / np.sqrt(1 + t**2 / (2 * df))))


def holm(p: Floats) -> Floats:
    """Holm's adjusted p-values; nan stays nan and does not count."""
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = np.arange(len(order), 0, -1) * p[order]
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps)) if len(order) else steps
    return adjusted


def least_rank_p(a: int, b: int) -> float:
    """The smallest two-sided p-value that a rank test of a against b seeds can reach: 2 / C(a + b, a)."""
    return min(1.0, 2 / comb(a + b, a))
