"""The rules, on tables whose order is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from analysis import load, rank
from analysis.ranking import RULES, ranking
from analysis.summary import summarise, weights_checked
from tests.analysis.tables import simulated
from trainables.draws import stream
from trainables.scores import Truth

METHODS = ["erm", *["mixup"] * 9]


def noisy(means: np.ndarray, spread: float = 0.004, seeds: int = 5, entropy: int = 1) -> np.ndarray:
    """Scores (C, seeds) with exactly the given means."""
    noise = stream(entropy, "noise").standard_normal((len(means), seeds))
    return means[:, None] + spread * (noise - noise.mean(1, keepdims=True))


MEANS = 0.8 + 0.01 * np.arange(10)


def test_the_mean_rule_orders_by_mean() -> None:
    frame = rank(simulated(noisy(MEANS), methods=METHODS), rule="mean")
    assert frame["configuration"].tolist() == list(range(9, -1, -1))
    assert frame["rank"].tolist() == list(range(1, 11))


def test_the_tail_rule_orders_by_tail() -> None:
    frame = rank(simulated(noisy(MEANS), noisy(MEANS[::-1], entropy=2), methods=METHODS), rule="tail")
    assert frame["configuration"].tolist() == list(range(10))


def test_the_stability_rule_orders_by_agreement() -> None:
    table = simulated(noisy(MEANS), stability=noisy(0.9 - 0.02 * np.arange(10), 0.001, entropy=3), methods=METHODS)
    assert rank(table, rule="stability")["configuration"].tolist() == list(range(10))


def test_the_guarantee_prefers_the_steady_one_of_two_equal_means() -> None:
    scores = noisy(np.array([0.80, 0.85, 0.85, 0.82, 0.82, 0.82, 0.83, 0.83]), 0.001)
    scores[1] = 0.85 + 0.03 * np.array([-1, 1, -1, 1, 0])
    frame = rank(simulated(scores, methods=["erm", *["mixup"] * 7]))
    assert frame.index[0] == 2
    assert frame.loc[1, "guarantee"] < frame.loc[2, "guarantee"]


def test_a_tail_below_erms_is_set_aside_and_said_so() -> None:
    tail = noisy(np.array([0.75, *[0.80] * 8, 0.60]), entropy=4)
    frame = rank(simulated(noisy(MEANS), tail, methods=METHODS), weights={"mean": 1, "tail": 0})
    assert frame.index[-1] == 9
    assert frame.loc[9, "reason"] == "tail may fall below ERM's"
    assert not frame.loc[9, "kept"]
    assert frame.loc[9, "tail_holds"] < 0.01
    assert frame.loc[0, "tail_holds"] == 1
    assert np.isnan(frame.loc[9, "p_best"])


def test_a_failed_seed_counts_at_chance_level_and_sets_aside() -> None:
    scores, diverged = noisy(MEANS), np.zeros((10, 5), bool)
    scores[9, 0], diverged[9, 0] = 0.1, True
    frame = rank(simulated(scores, methods=METHODS, diverged=diverged))
    assert frame.loc[9, "reason"] == "1 of 5 seeds failed"
    assert_allclose(frame.loc[9, "accuracy"], scores[9].mean())
    assert_allclose(frame.loc[9, "accuracy_shrunk"], scores[9].mean())
    assert frame.index[0] == 8


def test_few_seeds_without_failure_are_not_held_to_fail() -> None:
    assert rank(simulated(noisy(MEANS, seeds=3), methods=METHODS))["kept"].all()


def test_the_front_rule_puts_what_nothing_beats_first() -> None:
    accuracy, tail, stability = (
        noisy(np.array(values), 0.0005, entropy=n)
        for n, values in enumerate(([0.80, 0.90, 0.85, 0.84, 0.80], [0.70, 0.70, 0.80, 0.79, 0.70], [0.80, 0.80, 0.80, 0.79, 0.80]))
    )
    frame = rank(simulated(accuracy, tail, stability, ["erm", *["mixup"] * 4]), rule="pareto")
    assert set(frame.index[:2]) == {1, 2}
    assert (frame["front"].iloc[:2] > 0.8).all()
    assert frame.loc[3, "front"] < 0.2


def test_weights_are_scaled_and_wrong_ones_refused() -> None:
    assert weights_checked({"mean": 3, "tail": 1}) == {"mean": 0.75, "tail": 0.25}
    for wrong in ({"mean": -1, "tail": 2}, {"mean": 0}, {"speed": 1}, {"mean": float("nan")}):
        with pytest.raises(ValueError, match="weights must be"):
            weights_checked(wrong)


def test_an_unknown_rule_and_an_oracle_without_test_split_are_refused() -> None:
    table = simulated(noisy(MEANS), methods=METHODS)
    with pytest.raises(ValueError, match="rule must be one of guarantee"):
        rank(table, rule="luck")
    with pytest.raises(ValueError, match="run confirm first"):
        rank(table, rule="oracle")


def test_one_seed_is_ordered_by_its_mean_and_nothing_is_claimed() -> None:
    frame = rank(simulated(MEANS[:, None], methods=METHODS))
    assert frame["configuration"].tolist() == list(range(9, -1, -1))
    for column in ("accuracy_low", "guarantee", "p_best", "rank_low", "front"):
        assert frame[column].isna().all(), column


def test_where_shrinkage_makes_all_alike_the_plain_mean_decides() -> None:
    noise = 0.05 * np.array([[1, -1, 0], [-1, 0, 1], [0, 1, -1], [1, 0, -1], [-1, 1, 0], [0, -1, 1]])
    means = 0.8 + 0.001 * np.array([3, 1, 5, 2, 0, 4])
    frame = rank(simulated(means[:, None] + noise))
    assert np.ptp(frame["guarantee"]) < 1e-9
    assert frame["configuration"].tolist() == [2, 5, 0, 3, 1, 4]


def test_two_seeds_give_no_spread_of_stability_and_so_no_chance_of_the_front() -> None:
    accuracy = noisy(MEANS, seeds=2)
    frame = rank(simulated(accuracy, stability=np.repeat(accuracy.mean(1, keepdims=True), 2, axis=1)))
    assert frame["front"].isna().all()
    assert frame["stability_low"].isna().all()
    assert frame["p_best"].notna().all()


def test_one_configuration_is_ranked_first_of_one() -> None:
    frame = rank(simulated(noisy(MEANS[:1])))
    assert len(frame) == 1
    assert np.isfinite(frame["guarantee"]).all()


def test_all_diverged_is_ranked_at_chance_level() -> None:
    frame = rank(simulated(np.full((4, 3), 0.1), diverged=np.ones((4, 3), bool)))
    assert_allclose(frame["accuracy"], 0.1)
    assert not frame["kept"].any()


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_ranks_real_evidence_the_same_twice(rule: str, digits: str) -> None:
    table = load(str(digits))
    first, second = rank(table, rule), rank(table, rule)
    pd.testing.assert_frame_equal(first, second)
    assert first["rank"].tolist() == list(range(1, len(first) + 1))


def test_seeds_may_differ_between_configurations() -> None:
    scores = noisy(MEANS, seeds=6)
    scores[3:, 4:] = np.nan
    found = ranking(simulated(scores, methods=METHODS))
    assert found.frame.sort_index()["seeds"].tolist() == [6, 6, 6, *[4] * 7]
    assert_allclose(found.frame.loc[5, "accuracy"], np.nanmean(scores[5]))


def test_the_utility_weighs_mean_and_tail_as_it_is_told() -> None:
    table = simulated(noisy(MEANS), noisy(MEANS[::-1] - 0.1, entropy=2), methods=METHODS)
    frame = rank(table, weights={"mean": 4, "tail": 1})
    assert_allclose(frame["utility"], 0.8 * frame["accuracy"] + 0.2 * frame["tail"])
    assert_allclose(frame.sort_index()["accuracy"], MEANS)


def test_intervals_and_spread_are_those_of_the_moderated_t() -> None:
    found = ranking(simulated(noisy(MEANS), methods=METHODS))
    frame, figure = found.frame.sort_index(), found.summary.figures["accuracy"]
    half = stats.t.ppf(0.975, figure.df) * np.sqrt(figure.variance / 5)
    assert_allclose(frame["accuracy_low"], MEANS - half)
    assert_allclose(frame["accuracy_high"], MEANS + half)
    assert_allclose(frame["accuracy_sd"], np.sqrt(figure.variance))


def test_the_tail_holds_by_a_margin_as_normal_theory_has_it_where_nothing_is_borrowed() -> None:
    """Two configurations are no population, and of 400 seeds each variance is known: P = Phi((lead + margin) / sd)."""
    tails = noisy(np.array([0.75, 0.739]), 0.04, 400, entropy=4)
    frame = rank(simulated(noisy(MEANS[:2], seeds=400), tails, methods=["erm", "mixup"])).sort_index()
    sd = np.sqrt(tails.var(axis=1, ddof=1).sum() / 400)
    assert_allclose(frame["tail_holds"], [1, stats.norm.cdf((0.01 - 0.011) / sd)], atol=0.03)
    assert 0.2 < frame.loc[1, "tail_holds"] < 0.5
    assert not frame.loc[1, "kept"]


def test_the_chance_that_a_tail_holds_is_as_often_right_as_it_says() -> None:
    """Twenty-four configurations of three seeds, true SD 1.5 and seed SD 4 points; in a fifth of such studies tau is estimated as none."""
    source, said, held = stream(3, "tails"), [], []
    methods = ["erm"] + ["mixup"] * 23
    for _ in range(60):
        truth = 0.75 + 0.015 * source.standard_normal(24)
        tails = truth[:, None] + 0.04 * source.standard_normal((24, 3))
        found = ranking(simulated(noisy(np.full(24, 0.9), seeds=3), tails, methods=methods))
        said.append(found.frame.sort_index()["tail_holds"].to_numpy()[1:])
        held.append(truth[1:] >= truth[0] - 0.01)
    chance, right = np.concatenate(said), np.concatenate(held)
    for low, high in ((0.4, 0.6), (0.6, 0.8), (0.8, 0.9), (0.9, 1.01)):
        inside = (chance >= low) & (chance < high)
        assert inside.sum() > 50
        assert abs(chance[inside].mean() - right[inside].mean()) < 0.12, (low, chance[inside].mean(), right[inside].mean())


def test_what_failed_more_often_comes_later_and_all_failed_guarantee_nothing() -> None:
    scores, diverged = noisy(MEANS[:5], seeds=3), np.zeros((5, 3), bool)
    for row, failed in enumerate((3, 1, 2, 1)):
        scores[row, :failed], diverged[row, :failed] = 0.1, True
    frame = rank(simulated(scores, methods=["erm"] + ["mixup"] * 4, diverged=diverged))
    assert frame.index.tolist() == [4, 3, 1, 2, 0]
    assert np.isnan(frame.loc[0, "guarantee"])
    assert (frame["guarantee"].drop(0) >= 0).all()


def test_of_several_erms_the_one_of_the_highest_shrunken_utility_is_the_reference() -> None:
    """The second's mean is the highest, of two seeds alone; of ten seeds the third is surer."""
    scores = noisy(np.array([0.80, 0.83, 0.8295, *[0.82] * 7]), 0.004, 10)
    scores[1, 2:] = np.nan
    scores[1, :2] = 0.83 + np.array([-0.004, 0.004])
    found = ranking(simulated(scores, methods=["erm"] * 3 + ["mixup"] * 7))
    assert found.summary.figures["utility"].mean.argmax() == 1
    assert found.baseline == 2


@pytest.mark.parametrize("rule", ["mean", "tail", "stability"])
def test_a_high_mean_of_few_seeds_does_not_pass_a_surer_one(rule: str) -> None:
    scores = noisy(np.array([0.80, 0.83, 0.8295, *[0.82] * 7]), 0.004, 10)
    scores[1, 3:] = np.nan
    scores[1, :3] = 0.83 + np.array([-0.004, 0.004, 0])
    frame = rank(simulated(scores, scores, scores, methods=METHODS), rule)
    name = {"mean": "accuracy"}.get(rule, rule)
    assert frame[name].idxmax() == 1
    assert frame.index[0] == 2


def test_other_rules_set_nothing_aside() -> None:
    tail = noisy(np.array([0.75, *[0.80] * 8, 0.60]), entropy=4)
    frame = rank(simulated(noisy(MEANS), tail, methods=METHODS), rule="mean")
    assert frame.index[0] == 9
    assert frame["kept"].all()
    assert frame["reason"].iloc[0] == "tail may fall below ERM's"


def test_the_chance_to_be_best_is_of_the_rules_figure() -> None:
    table = simulated(noisy(MEANS), noisy(MEANS[::-1], entropy=2), noisy(MEANS[[*range(5, 10), *range(5)]], entropy=3), methods=METHODS)
    assert {rule: rank(table, rule)["p_best"].idxmax() for rule in ("mean", "tail", "stability")} == {"mean": 9, "tail": 0, "stability": 4}


def test_what_only_stability_puts_on_the_front_is_on_it() -> None:
    flat = np.array([0.80, 0.81, 0.80, 0.79, 0.80, 0.80])
    stability = noisy(np.array([0.80, 0.80, 0.80, 0.95, 0.80, 0.80]), 0.0005, entropy=3)
    frame = rank(simulated(noisy(flat, 0.0005), noisy(flat, 0.0005, entropy=2), stability, ["erm", *["mixup"] * 5]), rule="pareto")
    assert frame.loc[3, "front"] > 0.9


@pytest.mark.parametrize(("seeds", "kept"), [(10, False), (20, True)])
def test_one_failure_sets_aside_until_its_rates_bound_falls_below_a_fifth(seeds: int, kept: bool) -> None:
    scores, diverged = noisy(MEANS, seeds=seeds), np.zeros((10, seeds), bool)
    scores[9, 0], diverged[9, 0] = 0.1, True
    frame = rank(simulated(scores, noisy(MEANS, seeds=seeds), methods=METHODS, diverged=diverged))
    assert frame.loc[9, "kept"] == kept


def test_the_oracle_orders_by_the_test_split() -> None:
    table = simulated(noisy(MEANS), methods=METHODS)
    after = replace(simulated(noisy(MEANS[::-1]), methods=METHODS), split="test")
    assert rank(replace(table, confirmed=after), "oracle")["configuration"].tolist() == list(range(10))


def test_a_failed_configuration_changes_no_others_spread() -> None:
    scores, diverged = noisy(MEANS, 0.004), np.zeros((10, 5), bool)
    broken = scores.copy()
    broken[9, 0], diverged[9, 0] = 0.1, True
    with_it = summarise(simulated(broken, diverged=diverged))
    without = summarise(simulated(scores[:9]))
    assert_allclose(with_it.figures["accuracy"].variance[:9], without.figures["accuracy"].variance)
    assert_allclose(with_it.correlation, summarise(simulated(scores[:9])).correlation)


@pytest.mark.parametrize("apart", ["method", "epochs"])
def test_spreads_are_borrowed_within_a_method_and_a_rung(apart: str) -> None:
    """Eight steady and eight unsteady configurations: told apart, neither takes the others' spread."""
    scores = np.concatenate([noisy(np.full(8, 0.8), 0.001, 3), noisy(np.full(8, 0.8), 0.03, 3, entropy=2)])
    table = simulated(scores)
    values = np.repeat(["mixup", "sam"] if apart == "method" else [5, 10], 8)
    found = summarise(replace(table, configurations=table.configurations.assign(**{apart: values}))).figures["accuracy"].variance
    wanted = [summarise(simulated(part)).figures["accuracy"].variance for part in (scores[:8], scores[8:])]
    assert_allclose(found, np.concatenate(wanted))


@pytest.mark.parametrize(("tail", "size"), [("worst-class", 10), ("worst-group", 8), ("cvar(0.1)", None)])
def test_variances_are_no_less_than_a_rounding_to_whole_examples(tail: str, size: int | None) -> None:
    truth = Truth(np.repeat([0, 1], [10, 30]), np.repeat([0, 1], [32, 8]), 2)
    table = replace(simulated(np.full((6, 3), 0.8)), truth=truth, intent={"tail": tail})
    figures = summarise(table, {"mean": 3, "tail": 1}).figures
    whole, part = 1 / (12 * 40**2), 1 / (12 * size**2) if size else 1e-12
    assert_allclose(figures["accuracy"].floor, whole)
    assert figures["accuracy"].variance.min() >= whole
    assert_allclose(figures["tail"].floor, part)
    assert_allclose(figures["utility"].floor, 0.75**2 * whole + 0.25**2 * part)
