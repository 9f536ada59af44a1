"""Statistics of few seeds against numbers worked elsewhere, and against simulated truth."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from analysis import statistics
from trainables.draws import stream


def moderated(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(mean, variance, df) of scores (C, k), one stratum."""
    count, seeds = scores.shape
    df = np.full(count, seeds - 1.0)
    variance, freedom = statistics.moderate_within(scores.var(1, ddof=1), df, np.zeros(count, int), np.ones(count, bool), 1e-12)
    return scores.mean(1), variance, freedom


def test_a_prior_is_recovered_from_many_variances() -> None:
    source = stream(1, "prior")
    sigma2 = 0.04 * 8 / source.chisquare(8, 40_000)
    sample = sigma2 * source.chisquare(3, 40_000) / 3
    prior = statistics.fit_prior(sample, np.full(40_000, 3.0))
    assert_allclose(prior.df, 8, rtol=0.08)
    assert_allclose(prior.variance, 0.04, rtol=0.02)


def test_equal_variances_give_an_infinite_prior() -> None:
    assert np.isinf(statistics.fit_prior(np.full(20, 0.3), np.full(20, 4.0)).df)


def test_moderation_is_the_weighted_mean_of_prior_and_sample() -> None:
    variance, df = statistics.moderate(np.array([1.0, 4.0, np.nan]), np.array([2.0, 4.0, 0.0]), statistics.Prior(4.0, 2.5), limit=6)
    assert_allclose(variance, [(4 * 2.5 + 2 * 1.0) / 6, (4 * 2.5 + 4 * 4.0) / 8, 2.5])
    assert_allclose(df, [6, 6, 4])


def test_limma_reference_numbers_are_met() -> None:
    """fitFDist of limma solves the same two moments; here they are solved by bracketing instead of Newton's method."""
    from scipy.optimize import brentq
    from scipy.special import digamma, polygamma

    sample, df = np.array([0.8, 1.7, 0.4, 2.9, 1.1, 0.2, 5.0]), np.array([2.0, 2.0, 4.0, 2.0, 4.0, 3.0, 2.0])
    logs = np.log(sample) - digamma(df / 2) + np.log(df / 2)
    wanted = np.var(logs, ddof=1) - polygamma(1, df / 2).mean()
    prior = statistics.fit_prior(sample, df)
    if wanted <= 0:
        assert np.isinf(prior.df)
        return
    half = brentq(lambda x: float(polygamma(1, x)) - wanted, 1e-3, 1e6)
    assert_allclose(prior.df, 2 * half, rtol=1e-8)
    assert_allclose(prior.variance, np.exp(logs.mean() + digamma(half) - np.log(half)), rtol=1e-8)


def test_a_widely_scattered_sample_solves_its_moments_too() -> None:
    from scipy.special import digamma, polygamma

    sample, df = np.array([0.01, 30.0, 0.2, 4.0, 0.05, 90.0, 1.0, 0.001]), np.full(8, 4.0)
    prior = statistics.fit_prior(sample, df)
    logs = np.log(sample) - digamma(2.0) + np.log(2.0)
    assert np.isfinite(prior.df)
    assert_allclose(float(polygamma(1, prior.df / 2)), np.var(logs, ddof=1) - float(polygamma(1, 2.0)), rtol=1e-8)


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("kind", ["alike", "scattered", "two kinds", "rounded"])
@pytest.mark.parametrize("count", [12, 60])
def test_intervals_of_nominal_95_percent_cover_93_to_97(seeds: int, kind: str, count: int) -> None:
    source = stream(2, f"coverage {kind}", seeds, count)
    inside = []
    for _ in range(4800 // count):
        sigma = {
            "alike": np.full(count, 0.003),
            "scattered": 0.003 * np.sqrt(6 / source.chisquare(6, count)),
            "two kinds": np.where(source.random(count) < 0.2, 0.009, 0.003),
            "rounded": np.full(count, 0.004),
        }[kind]
        truth = 0.8 + 0.02 * source.random(count)
        scores = truth[:, None] + sigma[:, None] * source.standard_normal((count, seeds))
        floor = 1e-12
        if kind == "rounded":
            scores, floor = np.round(scores * 360) / 360, 1 / (12 * 360**2)
        df = np.full(count, seeds - 1.0)
        variance, freedom = statistics.moderate_within(scores.var(1, ddof=1), df, np.zeros(count, int), np.ones(count, bool), floor)
        half = statistics.half_width(variance, freedom, np.full(count, float(seeds)))
        inside.append(np.abs(scores.mean(1) - truth) <= half)
    assert 0.93 <= np.mean(inside) <= 0.97


def test_moderated_intervals_are_narrower_than_own_ones_at_three_seeds() -> None:
    scores = 0.003 * stream(3, "width").standard_normal((200, 3))
    _, variance, df = moderated(scores)
    own = stats.t.ppf(0.975, 2) * scores.std(1, ddof=1) / np.sqrt(3)
    assert statistics.half_width(variance, df, np.full(200, 3.0)).mean() < 0.55 * own.mean()


def test_the_spread_of_effects_is_der_simonian_and_lairds() -> None:
    """Against statsmodels 0.15.0: combine_effects(effect, variance, method_re="chi2"), its tau2 and mean_effect_re."""
    effect = np.array([0.12, 0.31, 0.05, 0.52, 0.20])
    variance = np.array([0.010, 0.020, 0.005, 0.030, 0.015])
    found = statistics.shrink(effect, variance)
    assert_allclose(found.spread, 0.012770000000000007, rtol=1e-10)
    assert_allclose(found.centre, 0.19412947518118795, rtol=1e-10)
    pull = variance / (variance + found.spread)
    assert_allclose(found.mean, pull * found.centre + (1 - pull) * effect, rtol=1e-12)
    assert_allclose(found.variance, (1 - pull) * variance, rtol=1e-12)


def test_shrinkage_removes_the_winners_optimism_and_lowers_its_regret() -> None:
    """The simulation of the method: 100 configurations, true SD .5 points, seed SD .5, one to five seeds each."""
    source = stream(4, "winner's curse")
    plain, shrunken = [], []
    for _ in range(600):
        truth, seeds = 0.5 * source.standard_normal(100), source.integers(1, 6, 100)
        scores = truth[:, None] + 0.5 * source.standard_normal((100, 5))
        scores[np.arange(5) >= seeds[:, None]] = np.nan
        mean, raw = np.nanmean(scores, axis=1), np.full(100, np.nan)
        raw[seeds > 1] = np.nanvar(scores[seeds > 1], axis=1, ddof=1)
        variance, _ = statistics.moderate_within(raw, seeds - 1.0, np.zeros(100, int), np.ones(100, bool), 1e-12)
        found = statistics.shrink(mean, variance / seeds)
        naive, wise = int(mean.argmax()), int(found.mean.argmax())
        plain.append((mean[naive] - truth[naive], truth.max() - truth[naive]))
        shrunken.append((found.mean[wise] - truth[wise], truth.max() - truth[wise]))
    (optimism, regret), (left, less) = np.mean(plain, axis=0), np.mean(shrunken, axis=0)
    assert 0.45 < optimism < 0.62
    assert abs(left) < 0.05
    assert less < 0.85 * regret


def test_a_failed_or_hopeless_configuration_is_neither_pulled_up_nor_pulls() -> None:
    source = stream(5, "hopeless")
    mean = np.concatenate([0.9 + 0.002 * source.standard_normal(30), [0.1, 0.63]])
    failed = np.arange(32) == 31
    usual = statistics.typical(mean, failed)
    assert usual.sum() == 30
    found = statistics.shrink(mean, np.full(32, 1e-6), usual)
    assert_allclose(found.mean[30:], [0.1, 0.63])
    assert 0 < found.spread < 1e-4


def test_the_lower_bound_is_what_a_retraining_exceeds_with_chance_95_percent() -> None:
    source = stream(6, "guarantee")
    above = []
    for _ in range(60):
        truth, sigma = 0.9 + 0.005 * source.standard_normal(60), 0.004 * np.sqrt(8 / source.chisquare(8, 60))
        mean, variance, df = moderated(truth[:, None] + sigma[:, None] * source.standard_normal((60, 3)))
        found = statistics.shrink(mean, variance / 3)
        bound = statistics.lower_bound(found.mean, found.variance, variance, df)
        above.append(truth + sigma * source.standard_normal(60) > bound)
    assert 0.935 < np.mean(above) < 0.965


def test_the_variance_interval_covers_and_is_scipys_chi_square() -> None:
    low, high = statistics.variance_interval(np.array([2.0]), np.array([4.0]))
    assert_allclose(low, 8 / stats.chi2.ppf(0.975, 4))
    assert_allclose(high, 8 / stats.chi2.ppf(0.025, 4))
    sample = stream(7, "variance").standard_normal((4000, 5)).var(1, ddof=1)
    low, high = statistics.variance_interval(sample, np.full(4000, 4.0))
    assert 0.94 < np.mean((low <= 1) & (high >= 1)) < 0.96
    assert np.isnan(statistics.variance_interval(np.array([1.0]), np.array([0.0]))[0]).all()


@pytest.mark.parametrize(("failures", "seeds", "bound"), [(0, 3, 0.4437), (1, 3, 0.7644), (1, 20, 0.1796)])
def test_the_failure_bound_is_jeffreys(failures: int, seeds: int, bound: float) -> None:
    assert_allclose(statistics.failure_bound(np.array([failures]), np.array([seeds])), bound, atol=5e-4)


def test_nothing_known_is_nan_and_not_a_number_made_up() -> None:
    one = np.full(4, np.nan), np.zeros(4)
    variance, df = statistics.moderate_within(*one, np.zeros(4, int), np.ones(4, bool), 1e-12)
    assert np.isnan(statistics.half_width(variance, df, np.ones(4))).all()
    assert np.isnan(statistics.lower_bound(np.ones(4), np.ones(4), variance, df)).all()


def test_every_stratum_has_its_own_prior_and_a_small_one_that_of_all() -> None:
    """Against `fit_prior` and `moderate` called by hand for each stratum; a failed configuration enters no prior."""
    source = stream(8, "strata")
    strata = np.repeat([0, 1, 2], [12, 12, 3])
    df = source.integers(2, 5, 27).astype(float)
    variance = np.array([0.01, 1.0, 0.1])[strata] * source.chisquare(df) / df * source.lognormal(0, 0.8, 27)
    usual = np.ones(27, bool)
    variance[3], usual[3] = 50.0, False
    found, freedom = statistics.moderate_within(variance, df, strata, usual, 1e-12)
    for stratum, prior_of in ((0, strata == 0), (1, strata == 1), (2, strata < 3)):
        rows, known = strata == stratum, prior_of & usual
        prior = statistics.fit_prior(variance[known], df[known])
        wanted = statistics.moderate(variance[rows], df[rows], prior, float(df[known].sum()))
        assert_allclose((found[rows], freedom[rows]), wanted)
        assert (freedom[rows] <= df[known].sum()).all()


def test_nobody_knows_a_common_variance_better_than_all_data_together() -> None:
    variance, df = statistics.moderate_within(np.full(6, 0.3), np.full(6, 2.0), np.zeros(6, int), np.ones(6, bool), 1e-12)
    assert_allclose(df, 12)
    assert_allclose(variance, np.exp(np.log(0.3) + np.euler_gamma), rtol=1e-12)  # digamma(1) is minus Euler's constant


def test_equal_seeds_are_a_rounding_in_the_prior_and_in_the_result() -> None:
    variance, df, floor = np.array([0.0, 0.0, 1e-6, 4e-6, 2e-6, 9e-6]), np.full(6, 2.0), 1e-7
    assert statistics.fit_prior(variance, df, floor) == statistics.fit_prior(np.maximum(variance, floor), df)
    flat, _ = statistics.moderate_within(np.zeros(6), df, np.zeros(6, int), np.ones(6, bool), floor)
    assert (flat >= floor).all()
    own, _ = statistics.moderate_within(np.zeros(1), np.full(1, 2.0), np.zeros(1, int), np.ones(1, bool), floor)
    assert_allclose(own, floor)


def test_what_stands_out_above_belongs_to_the_population_and_six_deviations_below_do_not() -> None:
    mean = np.concatenate([0.9 + 0.001 * np.arange(-5, 6), [0.99, 0.9 - 0.001 * 4 * 1.4826 * 5.5, 0.9 - 0.001 * 4 * 1.4826 * 6.5]])
    scale = 1.4826 * np.median(np.abs(mean - np.median(mean)))
    assert_allclose(scale, 1.4826 * 0.004, rtol=0.2)
    kept = statistics.typical(mean, np.zeros(14, bool))
    assert kept.tolist() == (mean >= np.median(mean) - 6 * scale).tolist()
    assert kept[11]
    assert not statistics.typical(mean, np.arange(14) == 2)[2]


@pytest.mark.parametrize("y", [1e-8, 1e-3, 0.3, 40.0, 1e9])
def test_the_inverse_trigamma_inverts(y: float) -> None:
    from scipy.special import polygamma

    assert_allclose(float(polygamma(1, statistics._inverse_trigamma(y))), y, rtol=1e-4)
