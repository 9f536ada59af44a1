"""Statistics of few seeds: borrowed variances, shrunk means, noise of the split, bounds. numpy and scipy, vectorised over configurations.

Notation: configuration c has k seeds, mean m_c and variance s_c^2 over seeds with d = k - 1 degrees of freedom (0 where nothing
was estimated). Variances are in squared units of the score, which lies in [0, 1].

Derived from Smyth 2004 (moderated variances; *read*), DerSimonian and Laird 1986 (spread of effects; *read*) and Efron and Morris
1975 (shrinkage; *read*). Choices marked *ours* say so.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import digamma, polygamma

Floats = NDArray[np.floating]

FEWEST = 5
"""Variances needed to fit a prior; a smaller stratum borrows from all strata together (ours)."""

FLOOR = 1e-12
"""Smallest variance: below it numbers are equal to rounding."""


class Prior(NamedTuple):
    """A scaled inverse chi-square over variances: as if `df` more seeds had been seen with variance `variance`."""

    df: float
    variance: float


class Shrunk(NamedTuple):
    """Means after shrinkage: mean (C,), variance (C,) of the mean, and the population's centre and spread (a variance)."""

    mean: Floats
    variance: Floats
    centre: float
    spread: float


NO_PRIOR = Prior(0.0, float("nan"))


def fit_prior(variance: Floats, df: Floats, floor: float = FLOOR) -> Prior:
    """The prior (d0, s0^2) of sample variances by the moments of their logarithm.

    With e_c = log s_c^2 - digamma(d_c/2) + log(d_c/2):  trigamma(d0/2) = var(e) - mean trigamma(d_c/2), and
    log s0^2 = mean(e) + digamma(d0/2) - log(d0/2). d0 is infinite where the variances scatter no more than chi-squares do.

    Args:
        variance: Sample variances (C,); entries with df 0 or nan are passed over.
        df: Their degrees of freedom (C,).
        floor: Variances below it count as it: scores on n examples are multiples of 1/n, so equal seeds are a rounding, not certainty.

    Returns:
        `NO_PRIOR` where fewer than two variances are known.

    References:
        Smyth 2004, section 6.2 (*read*).
    """
    known = np.isfinite(variance) & (df > 0)
    if known.sum() < 2:
        return NO_PRIOR
    half = df[known] / 2
    logs = np.log(np.maximum(variance[known], max(floor, FLOOR))) - digamma(half) + np.log(half)
    excess = logs.var(ddof=1) - polygamma(1, half).mean()
    if excess <= 0:
        return Prior(float("inf"), float(np.exp(logs.mean())))
    d0 = 2 * _inverse_trigamma(float(excess))
    return Prior(d0, float(np.exp(logs.mean() + digamma(d0 / 2) - np.log(d0 / 2))))


def moderate(variance: Floats, df: Floats, prior: Prior, limit: float = float("inf")) -> tuple[Floats, Floats]:
    """Variances that borrow strength: s~^2 = (d0 s0^2 + d s^2) / (d0 + d), with d0 + d degrees of freedom, at most `limit`.

    `limit` is the sum of degrees of freedom behind the prior: nobody can know a variance better than all data together (Smyth's limma
    does the same). Where nothing is known the variance is nan with 0 degrees of freedom.
    """
    own = np.where((df > 0) & np.isfinite(variance), variance, 0.0)
    d = np.where((df > 0) & np.isfinite(variance), df, 0.0).astype(float)
    if prior.df == 0:
        return np.where(d > 0, own, np.nan), d
    if np.isinf(prior.df):
        return np.full(len(own), prior.variance), np.full(len(own), float(limit))
    total = prior.df + d
    return (prior.df * prior.variance + d * own) / total, np.minimum(total, limit)


def moderate_within(
    variance: Floats, df: Floats, strata: NDArray[np.integer], usual: NDArray[np.bool_], floor: float
) -> tuple[Floats, Floats]:
    """`moderate` with one prior a stratum (method and rung), or one for all where a stratum has fewer than `FEWEST` variances.

    Args:
        variance, df, strata: (C,).
        usual: Configurations that the prior is fitted to; those with a failed seed are left out, since chance level among their
            scores makes their variance that of another population (ours).
        floor: As in `fit_prior`, and also the least variance returned.
    """
    everything = _prior_of(variance, df, usual, floor)
    moderated, freedom = moderate(variance, df, *everything)
    for stratum in np.unique(strata):
        rows = strata == stratum
        if (rows & usual & (df > 0) & np.isfinite(variance)).sum() >= FEWEST:
            moderated[rows], freedom[rows] = moderate(variance[rows], df[rows], *_prior_of(variance, df, usual & rows, floor))
    return np.maximum(moderated, max(floor, FLOOR)), freedom


def _prior_of(variance: Floats, df: Floats, rows: NDArray[np.bool_], floor: float) -> tuple[Prior, float]:
    known = rows & (df > 0) & np.isfinite(variance)
    return fit_prior(variance[known], df[known], floor), float(df[known].sum())


def half_width(variance: Floats, df: Floats, seeds: Floats, level: float = 0.95) -> Floats:
    """Half of the interval m +/- t_df s~/sqrt(k) for a configuration's mean over retrainings; nan where nothing is known."""
    with np.errstate(invalid="ignore"):
        return np.where(df > 0, stats.t.ppf(0.5 + level / 2, np.maximum(df, FLOOR)) * np.sqrt(variance / seeds), np.nan)


def shrink(mean: Floats, variance: Floats, fit: NDArray[np.bool_] | None = None) -> Shrunk:
    """Means pulled to their common centre by how little they are known: mu = B m0 + (1 - B) m with B = v / (v + tau^2).

    tau^2 by DerSimonian and Laird, m0 the mean weighted by 1 / (v + tau^2); the variance of mu is (1 - B) v.

    Args:
        mean: m_c (C,). variance: v_c of the means (C,), all positive.
        fit: The configurations that make up the population, all by default. The others keep their own mean and variance: one that did
            not learn, or failed in a seed, says nothing about the rest and must not be pulled up to it (ours).
    """
    fit = np.ones(len(mean), bool) if fit is None else fit
    if fit.sum() < 3:
        return Shrunk(mean.astype(float), variance.astype(float), float("nan"), float("nan"))
    m, v = mean[fit], variance[fit]
    spread = spread_of(m, v)
    weight = 1 / (v + spread)
    centre = float((weight * m).sum() / weight.sum())
    pull = np.where(fit, variance / (variance + spread), 0.0)
    return Shrunk(pull * centre + (1 - pull) * mean, (1 - pull) * variance, centre, spread)


def spread_of(mean: Floats, variance: Floats) -> float:
    """tau^2, the variance of the true means: (Q - (n - 1)) / (sum w - sum w^2 / sum w), at least 0, with w = 1 / v.

    References:
        DerSimonian and Laird 1986, eq. 8 (*read*).
    """
    weight = 1 / variance
    total = weight.sum()
    q = (weight * (mean - (weight * mean).sum() / total) ** 2).sum()
    return float(max(0.0, (q - (len(mean) - 1)) / (total - (weight**2).sum() / total)))


def typical(mean: Floats, failed: NDArray[np.bool_], reach: float = 6.0) -> NDArray[np.bool_]:
    """Configurations of the main population: no failed seed, and not more than `reach` robust deviations below the median (ours).

    A wide search holds configurations that hardly learn; in the population's spread they would switch shrinkage off for the good ones.
    """
    good = mean[~failed]
    if len(good) < FEWEST:
        return ~failed
    centre = np.median(good)
    scale = 1.4826 * np.median(np.abs(good - centre))
    return ~failed & (mean >= centre - reach * scale) if scale > 0 else ~failed


def lower_bound(mu: Floats, mu_variance: Floats, variance: Floats, df: Floats, level: float = 0.95) -> Floats:
    """L = mu - t_level sqrt(s~^2 + var(mu)): what a retraining with a new seed exceeds with chance `level`; nan where nothing is known."""
    with np.errstate(invalid="ignore"):
        return np.where(df > 0, mu - stats.t.ppf(level, np.maximum(df, FLOOR)) * np.sqrt(variance + mu_variance), np.nan)


def variance_interval(variance: Floats, df: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """The chi-square interval of a variance: (d s^2 / chi2_{1-a/2}, d s^2 / chi2_{a/2}); nan without degrees of freedom."""
    known = np.asarray(df) > 0
    d = np.where(known, df, 1.0)
    low, high = d * variance / stats.chi2.ppf(0.5 + level / 2, d), d * variance / stats.chi2.ppf(0.5 - level / 2, d)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def net_variance(variance: Floats, noise: Floats) -> Floats:
    """Variance over seeds without the split's noise: s^2 - (1/n^2) sum_i k/(k-1) p_i (1 - p_i); unbiased, hence possibly below 0.

    The second term, `noise`, comes from `agreement`. What is left is how far seeds move many examples together.
    """
    return variance - noise


def failure_bound(failures: Floats, seeds: Floats, level: float = 0.95) -> Floats:
    """Upper bound of the failure rate under Beta(1/2 + f, 1/2 + k - f), Jeffreys' posterior."""
    return stats.beta.ppf(level, 0.5 + failures, 0.5 + seeds - failures)


def _inverse_trigamma(y: float) -> float:
    """x with trigamma(x) = y, by Newton's method on 1/trigamma, which is nearly linear (Smyth 2004, appendix; *read*)."""
    if y > 1e7:
        return float(1 / np.sqrt(y))
    if y < 1e-6:
        return 1 / y
    x = 0.5 + 1 / y
    for _ in range(50):
        trigamma = float(polygamma(1, x))
        step = trigamma * (1 - trigamma / y) / float(polygamma(2, x))
        x += step
        if -step / x < 1e-10:
            break
    return x
