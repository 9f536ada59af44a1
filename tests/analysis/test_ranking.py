"""The rules, on tables whose order is known."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from analysis import load, rank
from analysis.ranking import RULES, ranking
from analysis.summary import weights_checked
from tests.analysis.tables import simulated
from trainables.draws import stream

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
