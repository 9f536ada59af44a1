"""Replays against tables whose truth is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from altiplano.replaying import Benchmark, best_so_far, compared, interval, rules_of
from search.errors import UserError
from search.replay import Rows, Rules, Step, places, replay
from search.study import Study

COUNT, EPOCHS, SEEDS = 16, 10, 3
STUDY = Study.model_validate({"name": "known", "methods": {"sam": {"rho": [0.01, 1.0]}}, "objectives": ["accuracy"]})


def table(planted: bool = False) -> list[Rows]:
    """Rows at even steps of log(rho), better with rho; where a fault is planted the curves run the other way."""
    rhos = np.geomspace(0.01, 1.0, COUNT)
    level = np.linspace(0.5, 0.9, COUNT)
    scores = np.repeat(level[:, None, None], SEEDS, axis=1)
    course = np.repeat((level[::-1] if planted else level)[:, None, None, None], SEEDS, axis=1).repeat(EPOCHS, axis=2)
    return [Rows(STUDY.spaces["sam"], list(range(COUNT)), [{"rho": float(rho)} for rho in rhos], scores, course)]


def bench(rows: list[Rows]) -> Benchmark:
    truth = {key: rows[0].scores[key].mean(axis=0) for key in rows[0].keys}
    own = [Step(key, SEEDS, SEEDS * EPOCHS, truth[key]) for key in rows[0].keys]
    return Benchmark(rows, ["accuracy"], COUNT * SEEDS * EPOCHS, truth, own)


def test_knobs_lie_in_their_own_scale() -> None:
    assert_allclose(places(STUDY.spaces["sam"], [{"rho": 0.01}, {"rho": 0.1}, {"rho": 1.0}])[:, 0], [0, 0.5, 1])


@pytest.mark.parametrize("sampler", ["random", "tpe", "qmc"])
def test_every_configuration_is_met_once_and_costs_what_it_trained(sampler: str) -> None:
    steps = list(replay(table(), Rules(sampler, seeds=2, group=4), 0))
    assert sorted(step.key for step in steps) == list(range(COUNT))
    assert all(step.epochs == 2 * EPOCHS and step.members == 2 for step in steps)


def test_halving_spends_less_and_keeps_the_best_unless_the_curves_mislead() -> None:
    rules = Rules("random", (2,), 0.25, SEEDS, COUNT)
    steps = list(replay(table(), rules, 0))
    assert {step.key for step in steps if step.seen is not None} == {12, 13, 14, 15}
    assert sum(step.epochs for step in steps) == SEEDS * (4 * EPOCHS + 12 * 2)
    misled = list(replay(table(planted=True), rules, 0))
    assert {step.key for step in misled if step.seen is not None} == {0, 1, 2, 3}


def test_a_sampler_that_learns_finds_the_best_sooner_than_chance() -> None:
    def when(sampler: str) -> float:
        runs = [[step.key for step in replay(table(), Rules(sampler, group=1), seed)] for seed in range(8)]
        return float(np.mean([keys[10:].index(15) for keys in runs if 15 in keys[10:]] or [0]))

    assert when("tpe") < when("random")


def test_the_best_so_far_is_worth_its_truth_not_what_was_seen() -> None:
    found = bench(table())
    steps = [Step(3, 1, 10, np.array([0.99])), Step(15, 1, 10, np.array([0.6])), Step(0, 1, 10, None)]
    values, members = best_so_far(found, steps, [5, 10, 30])
    assert np.isnan(values[0])
    assert_allclose(values[1:], found.truth[3][0])
    assert members.tolist() == [0, 1, 3]


def test_a_replay_of_everything_ends_where_the_study_ended_and_repeats_alike() -> None:
    rows = compared(bench(table()), Rules("random", seeds=SEEDS), 3)
    assert rows[-1]["mean"] == rows[-1]["own"] == pytest.approx(0.9)
    again = compared(bench(table()), Rules("random", seeds=SEEDS), 3)
    assert_allclose([list(row.values()) for row in again], [list(row.values()) for row in rows])


def test_an_interval_holds_the_mean_and_stays_within_what_was_found() -> None:
    values = np.array([[0.0], [1.0], [1.0], [1.0]])
    low, high = interval(values)
    assert 0 <= low[0] < 0.75 < high[0] <= 1


@pytest.mark.parametrize(
    ("sampler", "halving", "seeds", "said"),
    [("tpx", None, 1, "did you mean tpe"), ("tpe", "3:2", 1, "--halving"), ("tpe", "x", 1, "--halving"), ("tpe", None, 0, "--seeds")],
)
def test_options_at_fault_are_named(sampler: str, halving: str | None, seeds: int, said: str) -> None:
    with pytest.raises(UserError, match=said):
        rules_of(sampler, halving, seeds, 8)
    with pytest.raises(UserError, match="at most 3"):
        compared(bench(table()), Rules("tpe", seeds=4), 3)
