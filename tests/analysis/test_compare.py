"""Methods against ERM: paired differences, their chances, corrections."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from analysis import compare, statistics
from analysis.ranking import ranking
from analysis.table import BASELINE
from tests.analysis.tables import simulated
from trainables.draws import stream
from trainables.scores import Truth

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


def seeded(entropy: int, shared: float, own: float, count: int = 13, seeds: int = 5) -> np.ndarray:
    """Scores whose seeds lift all configurations together; a negative share lifts the odd and lowers the even ones."""
    source = stream(entropy, "seeded")
    sign = np.where(np.arange(count) % 2, 1, -1 if shared < 0 else 1)[:, None]
    effect = sign * abs(shared) * source.standard_normal((1, seeds))
    return 0.9 + 0.01 * source.standard_normal((count, 1)) + effect + own * source.standard_normal((count, seeds))


@pytest.mark.parametrize(("shared", "is_paired"), [(0.006, True), (-0.006, False)])
def test_seeds_are_paired_only_where_they_lift_both(shared: float, is_paired: bool) -> None:
    table = simulated(seeded(6, shared, 0.002), methods=["erm", *["mixup"] * 6, *["sam"] * 6])
    ranked = ranking(table)
    found = compare.against(table, ranked)
    assert (found["paired"] == is_paired).all()
    assert ((found["correlation"] > 0) == is_paired).all()
    figure, scores = ranked.summary.figures["accuracy"], compare.by_seed(table, ranked, "accuracy")
    row = found[found["figure"] == "accuracy"].iloc[0]
    a = int(row["configuration"])
    if is_paired:
        shared_of = compare.pairing(scores[figure.usual], 2 * figure.floor)
        wanted = compare.paired(scores[a], scores[0], shared_of)
        assert wanted.df == min(shared_of.prior.df + 4, shared_of.limit)
    else:
        wanted = compare.unpaired(scores[a], scores[0], (figure.variance[a], figure.df[a]), (figure.variance[0], figure.df[0]))
    assert tuple(row[list(compare.Contrast._fields)]) == wanted


def test_without_seeds_in_common_nothing_is_paired() -> None:
    scores = np.full((13, 6), np.nan)
    scores[:, :5] = seeded(7, 0.006, 0.002)
    scores[0] = [np.nan, np.nan, np.nan, np.nan, 0.9, 0.91]
    table = simulated(scores, methods=["erm", *["mixup"] * 12])
    assert not compare.against(table, ranking(table))["paired"].any()


def test_p_values_against_erm_are_holms_within_each_figure() -> None:
    names = ["mixup", "sam", "cvar", "softad"]
    table = simulated(seeded(8, 0.0, 0.006), seeded(9, 0.0, 0.006), methods=["erm", *[names[place % 4] for place in range(12)]])
    found = compare.against(table, ranking(table))
    assert BASELINE not in set(found["method"])
    for _, part in found.groupby("figure"):
        assert len(part) == 4
        assert_allclose(part["p_holm"], compare.holm(part["p"].to_numpy()))
        assert_allclose(part["p_holm"].min(), min(1, 4 * part["p"].min()))


def test_the_best_and_not_the_worst_of_a_method_is_compared_and_erm_not_with_itself() -> None:
    table = simulated(np.tile(0.8 + 0.01 * np.arange(6)[:, None], 3) + 0.001 * np.array([-1, 0, 1]), methods=["erm", "erm", *["mixup"] * 4])
    found = compare.against(table, ranking(table, "mean"))
    assert found["method"].unique().tolist() == ["mixup"]
    assert found["configuration"].unique().tolist() == [5]
    assert_allclose(found["gain"], 0.04)


def test_a_gain_is_meaningful_only_if_both_estimate_and_bound_say_so() -> None:
    """Sixty seeds and a small effect: surely better, rarely much. Three seeds and a large one: much better, not surely."""
    unit = stream(10, "effects").standard_normal((5, 60))
    unit = (unit - unit.mean(1, keepdims=True)) / unit.std(1, ddof=1, keepdims=True)
    scores = 0.9 + 0.01 * (unit[:4] + 0.5 * unit[4])
    scores[1] += 0.0078
    scores[2] += 0.03
    scores[3] = np.nan
    scores[3, :3] = scores[0, :3] + 0.01 * (1.6 + np.array([1, 1, -2]))
    table = simulated(scores, methods=["erm", "mixup", "sam", "cvar"])
    found = compare.against(table, ranking(table, "mean")).query("figure == 'accuracy'").set_index("method")
    assert found.loc["mixup", "chance_low"] > 0.5
    assert found.loc["mixup", "chance"] < 0.75
    assert found.loc["cvar", "chance_low"] < 0.5
    assert found.loc["cvar", "chance"] > 0.75
    assert found["meaningful"].to_dict() == {"sam": True, "mixup": False, "cvar": False}


def test_the_chance_to_win_of_two_retrainings_is_that_of_both_spreads() -> None:
    found = compare.unpaired(np.array([0.91, 0.93]), np.array([0.90, 0.90]), (9e-4, 50.0), (16e-4, 50.0))
    assert_allclose(found.chance, stats.norm.cdf(0.02 / 0.05))
    assert_allclose(found.df, (25e-4 / 2) ** 2 / (((9e-4 / 2) ** 2 + (16e-4 / 2) ** 2) / 50))


def test_equal_seeds_are_a_rounding_and_no_certainty() -> None:
    truth = Truth(np.arange(40) % 2, np.zeros(40, int), 2)
    table = replace(simulated(np.tile(0.8 + 0.025 * np.arange(13)[:, None] / 6, 3), methods=["erm", *["mixup"] * 12]), truth=truth)
    found = compare.against(table, ranking(table, "mean")).query("figure == 'accuracy'").iloc[0]
    assert found["low"] < found["gain"] - 0.005
    assert compare.pairing(np.full((12, 3), 0.8), 1e-4).floor == 1e-4


def test_scores_by_seed_weigh_as_the_ranking_does_and_leave_out_what_does_not_count() -> None:
    table = simulated(0.9 + 0.01 * stream(11, "a").standard_normal((6, 3)), 0.5 + 0.01 * stream(12, "b").standard_normal((6, 3)))
    table = replace(table, members=table.members.assign(scored=np.arange(18) != 4))
    ranked = ranking(table, weights={"mean": 4, "tail": 1})
    accuracy, tail, utility = (compare.by_seed(table, ranked, name) for name in ("accuracy", "tail", "utility"))
    assert_allclose(utility, 0.8 * accuracy + 0.2 * tail)
    assert np.isnan(utility[1, 1])
    assert np.isfinite(utility).sum() == 17
