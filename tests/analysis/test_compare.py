"""Methods against ERM: paired differences, their chances, corrections."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from analysis import compare, statistics
from analysis.ranking import ranking
from tests.analysis.tables import simulated
from trainables.draws import stream

ALONE = compare.Pairing(0.5, statistics.NO_PRIOR, 0.0)


def test_without_a_prior_the_paired_test_is_students() -> None:
    a, b = np.array([0.91, 0.92, 0.90, 0.94, 0.93]), np.array([0.90, 0.905, 0.90, 0.91, 0.92])
    found = compare.paired(a, b, ALONE)
    assert_allclose(found.p, stats.ttest_rel(a, b).pvalue)
    interval = stats.ttest_rel(a, b).confidence_interval()
    assert_allclose([found.low, found.high], [interval.low, interval.high])


def test_only_common_seeds_are_paired() -> None:
    a, b = np.array([0.9, 0.8, np.nan, 0.7]), np.array([0.8, 0.75, 0.5, np.nan])
    found = compare.paired(a, b, ALONE)
    assert found.seeds == 2
    assert_allclose(found.gain, 0.075)


def test_the_unpaired_test_is_welchs_where_variances_are_each_ones_own() -> None:
    a, b = np.array([0.91, 0.92, 0.90, 0.94, 0.93]), np.array([0.90, 0.86, 0.90])
    found = compare.unpaired(a, b, (a.var(ddof=1), 4.0), (b.var(ddof=1), 2.0))
    known = stats.ttest_ind(a, b, equal_var=False)
    assert_allclose([found.p, found.df], [known.pvalue, known.df])


def test_moderated_paired_intervals_cover_with_shared_seeds() -> None:
    """Configurations share seed effects; ERM is one of them. Without its own few seeds in the prior the interval holds."""
    inside, said = [], []
    for repeat in range(500):
        source = stream(1, "paired", repeat)
        truth = 0.9 + 0.01 * source.standard_normal(25)
        scores = truth[:, None] + 0.004 * source.standard_normal((1, 3)) + 0.003 * source.standard_normal((25, 3))
        shared = compare.pairing(scores)
        found = compare.paired(scores[1], scores[0], shared)
        inside.append(found.low <= truth[1] - truth[0] <= found.high)
        said.append(shared.correlation)
    assert 0.93 <= np.mean(inside) <= 0.97
    assert 0.5 < np.mean(said) < 0.7


def test_the_correlation_of_independent_seeds_is_near_none() -> None:
    assert abs(compare.pairing(stream(2, "independent").standard_normal((400, 3))).correlation) < 0.08


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_the_interval_of_the_chance_to_win_covers(seeds: int) -> None:
    """P(A > B) for a difference of known mean and spread, from few seeds alone."""
    source = stream(3, "chance", seeds)
    truth = stats.norm.cdf(0.8)
    inside = []
    for _ in range(600):
        found = compare.paired(0.8 + source.standard_normal(seeds), np.zeros(seeds), ALONE)
        inside.append(found.chance_low <= truth <= found.chance_high)
    assert 0.93 <= np.mean(inside) <= 0.97


def test_the_effect_interval_inverts_the_noncentral_t() -> None:
    low, high = compare.effect_interval(2.5, 6.0)
    assert_allclose(stats.nct.cdf(2.5, 6, low), 0.975, atol=1e-5)
    assert_allclose(stats.nct.cdf(2.5, 6, high), 0.025, atol=1e-5)
    assert np.isfinite(compare.effect_interval(400.0, 2.0)).all()
    assert np.isfinite(compare.effect_interval(-90.0, 500.0)).all()


def test_holm_is_statsmodels() -> None:
    """statsmodels 0.15.0: multipletests([.01, .04, .03, .005, .2], method="holm")[1]."""
    assert_allclose(compare.holm(np.array([0.01, 0.04, 0.03, 0.005, 0.2])), [0.04, 0.09, 0.09, 0.025, 0.2])
    assert_allclose(compare.holm(np.array([0.01, np.nan, 0.04])), [0.02, np.nan, 0.04])


def test_the_least_rank_p_is_that_of_scipys_exact_test() -> None:
    for seeds in (3, 4, 5):
        exact = stats.mannwhitneyu(np.arange(seeds), 10 + np.arange(seeds), method="exact").pvalue
        assert_allclose(compare.least_rank_p(seeds, seeds), exact)
    assert_allclose(compare.least_rank_p(3, 3), 0.1)


def test_each_method_is_held_against_erm_by_its_best() -> None:
    means = np.array([0.80, 0.85, 0.83, 0.79, 0.801])
    noise = stream(4, "noise").standard_normal((5, 5))
    scores = means[:, None] + 0.002 * (noise - noise.mean(1, keepdims=True))
    table = simulated(scores, methods=["erm", "mixup", "mixup", "sam", "cvar"])
    found = compare.against(table, ranking(table, "mean"))
    by_method = found[found["figure"] == "accuracy"].set_index("method")
    assert by_method.index.tolist() == ["mixup", "cvar", "sam"]
    assert_allclose(by_method["gain"], [0.05, 0.001, -0.01], atol=1e-12)
    assert by_method.loc["mixup", "configuration"] == 1
    assert by_method["meaningful"].tolist() == [True, False, False]
    assert (by_method["p_holm"] >= by_method["p"]).all()


def test_without_erm_nothing_is_said_against_it() -> None:
    table = simulated(0.9 + 0.01 * stream(5, "none").standard_normal((4, 3)))
    assert compare.against(table, ranking(table)).empty
