"""The race of confirm: who gets more seeds, when it stops, and that it is worth it."""

import numpy as np
import pytest

from analysis import load, racing
from analysis.ranking import ranking
from trainables.draws import stream

A, B, C = ("mixup", 1), ("sam", 2), ("erm", 0)


def raced(source: np.random.Generator, truth: np.ndarray, sigma: float, explored: int, top: int, cap: int) -> tuple[int, int, float]:
    """Explore, take the top into the race, run it to its end: (the one chosen, members trained, its reported score)."""
    means = (truth[:, None] + sigma * source.standard_normal((len(truth), explored))).mean(1)
    scores = {("mixup", int(number)): np.zeros(0) for number in np.argsort(-means)[:top]}
    left, dropped = cap, frozenset()
    while True:
        turn = racing.next_round(scores, left, dropped)
        dropped |= set(turn.dropped)
        if turn.over:
            break
        for entry, seeds in turn.seeds.items():
            scores[entry] = np.append(scores[entry], truth[entry[1]] + sigma * source.standard_normal(seeds))
            left -= seeds
    figure, _ = racing._judged(list(scores.values()), np.zeros(len(scores)))
    best = int(figure.shrunk.argmax())
    return list(scores)[best][1], explored * len(truth) + cap - left, float(figure.shrunk[best])


def test_racing_beats_plain_replication_at_lower_cost() -> None:
    """100 configurations, true SD .5, seed SD .3 points: one seed each and a race of ten, against two and three seeds each."""
    regrets, costs, optimism, plain = [], [], [], {2: [], 3: []}
    for repeat in range(80):
        source = stream(1, "race", repeat)
        truth = 0.9 + 0.005 * source.standard_normal(100)
        chosen, cost, reported = raced(source, truth, 0.003, 1, 10, 90)
        regrets.append(100 * (truth.max() - truth[chosen]))
        costs.append(cost)
        optimism.append(100 * (reported - truth[chosen]))
    for repeat in range(2000):
        source = stream(2, "plain", repeat)
        truth = 0.9 + 0.005 * source.standard_normal(100)
        for seeds, found in plain.items():
            means = (truth[:, None] + 0.003 * source.standard_normal((100, seeds))).mean(1)
            found.append(100 * (truth.max() - truth[means.argmax()]))
    assert np.mean(costs) < 195
    assert np.mean(regrets) < 0.7 * np.mean(plain[2])
    assert np.mean(regrets) < np.mean(plain[3])
    assert abs(np.mean(optimism)) < 0.06


def test_everyone_first_gets_the_first_seeds() -> None:
    turn = racing.next_round({A: np.zeros(0), B: np.array([0.9, 0.9])}, 100)
    assert turn.seeds == {A: 5, B: 3}
    assert not turn.over


def test_the_hopeless_is_dropped_and_stays_out() -> None:
    noise = 0.004 * np.array([-1, 1, 0, 1, -1])
    scores = {A: 0.900 + noise, B: 0.902 + noise[::-1], C: 0.5 + noise}
    turn = racing.next_round(scores, 100)
    assert turn.dropped == (C,)
    assert turn.seeds == {A: 2, B: 2}
    again = racing.next_round({**scores, C: np.full(5, 0.99)}, 100, frozenset({C}))
    assert C not in again.seeds


def test_a_leader_who_is_sure_enough_ends_the_race_before_the_others_are_hopeless() -> None:
    noise = 0.004 * np.array([-1, 1, 0, 1, -1, 0, 0, 1, -1])
    scores = {A: 0.9035 + noise, B: 0.900 + noise[::-1]}
    turn = racing.next_round(scores, 100)
    assert 0.9 <= turn.best[A] < 0.99
    assert turn.dropped == ()
    assert turn.over.startswith("mixup 1 is best with probability 0.9")
    assert racing.next_round(scores, 100, rules=racing.RULES._replace(stop=0.995)).seeds == {A: 2, B: 2}


def test_a_clear_leader_a_tie_and_a_spent_budget_end_the_race() -> None:
    source = stream(4, "ends")
    clear = {A: 0.92 + 0.002 * source.standard_normal(9), B: 0.90 + 0.002 * source.standard_normal(9)}
    assert "is left" in racing.next_round(clear, 100).over or "best with probability" in racing.next_round(clear, 100).over
    noise = 0.002 * source.standard_normal((2, 8))
    noise -= noise.mean(1, keepdims=True)
    level = {A: 0.9 + noise[0], B: 0.9002 + noise[1]}
    assert "lie within 0.1 point" in racing.next_round(level, 100).over
    near = {A: 0.9 + noise[0], B: 0.9012 + noise[1]}
    assert racing.next_round(near, 0).over == "the budget is spent"
    assert racing.next_round(near, 3).seeds == {A: 1, B: 1}


def test_entrants_are_twice_the_indistinguishable_five_at_least_and_erm(digits: str) -> None:
    ranked = ranking(load(str(digits)))
    found = racing.entrants(ranked)
    kept = ranked.frame[ranked.frame["kept"]]
    assert len(found) in {min(len(kept), max(5, 2 * int(kept["indistinguishable"].sum()))) + extra for extra in (0, 1)}
    assert ("erm", 0) in found
    assert found[0] == (kept["method"].iloc[0], kept["configuration"].iloc[0])
    assert len(racing.entrants(ranked, top=2)) == 3


def test_a_failed_fresh_seed_drops_until_it_is_one_of_many() -> None:
    noise = 0.004 * np.array([-1, 1, 0, 1, -1])
    scores = {A: 0.900 + noise, B: 0.902 + noise[::-1], C: np.append(0.93 + noise[:4], 0.1)}
    assert racing.next_round(scores, 100, failures={C: 1}).dropped == (C,)
    many = {A: np.tile(scores[A], 6), C: np.append(np.tile(0.93 + noise, 6)[:29], 0.1)}
    assert C not in racing.next_round(many, 100, failures={C: 1}).dropped


def test_one_fresh_seed_each_neither_drops_nor_crowns() -> None:
    scores = {entry: np.array([score]) for entry, score in ((A, 0.5), (B, 0.92), (C, 0.921))}
    rules = racing.RULES._replace(first=1)
    turn = racing.next_round(scores, 0, rules=rules)
    assert (turn.seeds, turn.dropped, turn.best, turn.over) == ({}, (), {}, "the budget is spent")
    assert racing.next_round(scores, 6, rules=rules).seeds == dict.fromkeys(scores, 2)


def test_a_race_that_nobody_is_left_in_says_so() -> None:
    values = np.array([0.1, 0.9, 0.9, 0.9, 0.9])
    turn = racing.next_round({A: values, B: values + 0.01}, 100, failures={A: 1, B: 1})
    assert turn.dropped == (A, B)
    assert turn.over.startswith("none is left")


def test_fresh_scores_are_those_of_the_test_split(digits: str) -> None:
    table = load(str(digits))
    assert racing.fresh(None, [A])[0][A].shape == (0,)
    scores, failures = racing.fresh(table.confirmed, [("erm", 0), ("g-mix", 2), ("mixup", 9)])
    assert {entry: len(values) for entry, values in scores.items()} == {("erm", 0): 7, ("g-mix", 2): 7, ("mixup", 9): 0}
    found = table.confirmed.members
    erm = found[found["method"] == "erm"]
    np.testing.assert_allclose(scores["erm", 0], 0.5 * erm["accuracy"] + 0.5 * erm["tail"])
    assert set(failures) <= set(scores)


@pytest.mark.parametrize("seeds", [1, 2])
def test_what_is_dropped_never_gets_seeds(seeds: int) -> None:
    turn = racing.next_round({A: np.full(seeds, 0.9), B: np.full(5, 0.9)}, 100, frozenset({B}))
    assert turn.seeds == {A: 5 - seeds}


def test_who_may_still_be_best_is_neither_dropped_nor_the_winner() -> None:
    noise = 0.004 * np.array([-1, 1, 0, 1, -1])
    turn = racing.next_round({A: 0.9000 + noise, B: 0.9030 + noise[::-1]}, 100)
    assert 0.01 < turn.best[A] < 0.2
    assert 0.8 < turn.best[B] < 0.9
    assert (turn.dropped, turn.over, turn.seeds) == ((), "", {A: 2, B: 2})


def test_fresh_utilities_weigh_mean_and_tail_as_they_are_told(digits: str) -> None:
    confirmed = load(str(digits)).confirmed
    assert confirmed is not None
    erm = confirmed.members[confirmed.members["method"] == "erm"].sort_values("seed")
    assert not np.allclose(erm["accuracy"], erm["tail"])
    scores, _ = racing.fresh(confirmed, [("erm", 0)], {"mean": 4, "tail": 1})
    np.testing.assert_allclose(scores["erm", 0], 0.8 * erm["accuracy"] + 0.2 * erm["tail"])
