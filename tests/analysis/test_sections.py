"""What the report says in words and numbers, against what the tables hold; the sentences of studies that can tell little."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from analysis import answer, chances, findings, load, pareto, words
from analysis.findings import Findings
from analysis.importance import Dependence
from analysis.sections import closing, course, examples, learning, methods, order, side, turned
from analysis.summary import WEIGHTS, summarise
from analysis.table import Table
from tests.analysis.tables import simulated
from tests.analysis.test_ranking import MEANS, METHODS, noisy
from trainables import evidence
from trainables.draws import stream
from trainables.scores import Truth


def found(table: Table, rule: str = "guarantee") -> Findings:
    return findings.find(table, rule, WEIGHTS)


def whole(digits: Path) -> Findings:
    return found(load(str(digits)))


def test_the_only_one_that_the_rule_keeps_is_not_called_the_best_for_sure() -> None:
    tail = noisy(np.array([0.75, *[0.6] * 9]), entropy=4)
    told = answer.sentences(found(simulated(noisy(MEANS[::-1]), tail, methods=METHODS)))[1]
    why = "the others are set aside (tail may fall below ERM's): nothing was chosen between."
    assert told == f"It is the only one of 10 that the rule keeps, {why}"


def test_the_best_of_those_that_the_rule_keeps_is_counted_among_them() -> None:
    tail = noisy(np.array([0.75, *[0.8] * 6, *[0.6] * 3]), entropy=4)
    one = found(simulated(noisy(MEANS), tail, methods=METHODS))
    assert answer.sentences(one)[1].startswith("It is the best of the 7 that the rule keeps from 10 with probability")
    assert answer._how_sure(one.ranked, "the confirmed ").startswith(
        "It is the best of the 7 that the rule keeps from the confirmed 10 with"
    )
    assert "about the true utility among the 7 that the rule keeps" in order.how_to_read(one.ranked)


def test_who_is_likelier_to_be_best_than_the_first_is_named() -> None:
    """A steady configuration leads by its guarantee; the higher mean beside it scatters, and has the better chance to be best."""
    scores = noisy(np.array([0.80, 0.850, 0.856, *[0.82] * 5, *[0.83] * 5]), 0.002)
    scores[2] = 0.856 + 0.01 * np.array([-1, 1, -1, 1, 0])
    one = found(simulated(scores, methods=["erm", "mixup", "sam", *["mixup"] * 10]))
    assert one.frame["method"].iloc[0] == "mixup"
    assert re.search(r"with probability \d+ % \(sam 2, which the rule puts 2nd, with \d+ %\); ", answer.sentences(one)[1])
    assert "which the rule puts" not in answer.sentences(found(one.table, "mean"))[1]


def test_erm_alone_is_not_said_to_be_unbeaten() -> None:
    assert answer.sentences(found(simulated(noisy(MEANS[:1]), methods=["erm"])))[2] == "It is plain ERM: no other method has finished yet."
    unbeaten = simulated(noisy(MEANS[::-1]), methods=METHODS)
    assert answer.sentences(found(unbeaten))[2] == "It is plain ERM: no method of this study beats it by this rule."


def test_of_single_runs_neither_shrinkage_nor_intervals_nor_tests_are_claimed() -> None:
    one = found(simulated(MEANS[:, None], methods=METHODS))
    start = "Against ERM it differs by +9.0 points in mean and +9.0 points in tail: single runs, "
    assert answer.sentences(one)[2] == start + "of which this one was chosen for being high."
    section = methods.compared(one)
    assert section is not None
    assert "nothing to test them against" in section.text[1]
    assert section.sheets[0].rows[0].cells[-2:] == ["\N{EN DASH}", "\N{EN DASH}"]
    limits = " ".join(closing.limits(one).text)
    assert "With one seed a configuration nothing is known" in limits
    assert "hrinkage" not in limits


def test_what_has_not_begun_is_told_from_what_is_on_its_way() -> None:
    knobs = {"alpha": [0.1, 1.0]}
    intent = {"budget": {"configurations": 12}, "methods": {"mixup": knobs, "sam": knobs, "softad": knobs}}
    table = replace(simulated(noisy(MEANS), methods=METHODS), intent=intent)
    told = answer.warnings(found(table))[0]
    assert told == "The study is not finished: of 12 configurations a method, only 9 of mixup are there; none of sam and softad."


def test_a_gain_over_erm_keeps_its_interval_where_shrinkage_makes_all_alike() -> None:
    """Twelve configurations whose truths spread less than their seeds: plugged-in shrinkage would say +0.0 (+0.0 to +0.0)."""
    inside, wide = [], []
    for repeat in range(150):
        source = stream(7, "gain", repeat)
        truth = 0.9 + 0.002 * source.standard_normal(12)
        summary = summarise(simulated(truth[:, None] + 0.005 * source.standard_normal((12, 3))))
        best = int(summary.figures["accuracy"].shrunk[1:].argmax()) + 1
        gap, low, high = chances.difference(summary, best, 0, "accuracy")
        assert low < gap < high
        inside.append(low <= truth[best] - truth[0] <= high)
        wide.append(high - low)
    assert 0.92 <= np.mean(inside) <= 0.995
    assert min(wide) > 0.001


def test_a_difference_of_what_is_unknown_is_unknown() -> None:
    summary = summarise(simulated(MEANS[:, None]))
    assert np.isnan(chances.difference(summary, 1, 0, "accuracy")).all()
    assert np.isnan(chances.difference(summarise(simulated(noisy(MEANS))), 1, 0, "stability")).all()


@pytest.mark.parametrize(
    ("tail", "told"),
    [
        ("worst-class", "The smallest class has 10 examples: its accuracy moves in steps of 10.0 points; a worst-class score"),
        ("worst-group", "The smallest group has 8 examples: its accuracy moves in steps of 12.5 points; a worst-group score"),
        ("cvar(0.1)", "The smallest class has 10 examples: its accuracy moves in steps of 10.0 points."),
    ],
)
def test_the_smallest_part_is_of_what_the_tail_is_taken_over(tail: str, told: str) -> None:
    truth = Truth(np.repeat([0, 1], [10, 30]), np.repeat([0, 1], [32, 8]), 2)
    one = found(replace(simulated(noisy(MEANS), methods=METHODS), truth=truth, intent={"tail": tail}))
    assert told in " ".join(closing.limits(one).text)


def test_no_more_fresh_seeds_are_advised_than_there_are_configurations() -> None:
    table = simulated(noisy(np.full(9, 0.8), spread=0.01), methods=METHODS[:9])
    limits = " ".join(closing.limits(found(table)).text)
    assert "Fresh seeds for the first 9 (altiplano confirm simulated)" in limits
    fixed = replace(table, intent={"confirm": {"top": 3}})
    assert "(altiplano confirm simulated --top 9)" in " ".join(closing.limits(found(fixed)).text)


def test_where_all_are_alike_no_course_of_the_front_is_shown() -> None:
    noise = 0.05 * np.array([[1, -1, 0], [-1, 0, 1], [0, 1, -1], [1, 0, -1], [-1, 1, 0], [0, -1, 1]])
    section = course.progress(found(simulated(0.8 + 0.001 * np.arange(6)[:, None] + noise)))
    assert section is not None
    assert [drawing.name for drawing in section.drawings] == ["progress"]
    assert section.text == []


def test_the_front_widens_as_brute_force_says_from_the_median_on() -> None:
    accuracy, tail = noisy(0.8 + 0.01 * stream(1, "a").random(20)), noisy(0.7 + 0.02 * stream(2, "t").random(20), entropy=2)
    one = found(simulated(accuracy, tail))
    volume = course._hypervolume(one)
    assert volume is not None
    members, values, names = volume
    assert names == "mean and tail"
    points = one.frame.sort_index()[["accuracy_shrunk", "tail_shrunk"]].to_numpy()
    corner = np.median(points, axis=0)
    assert_allclose(values, [pareto.hypervolume(points[: place + 1], corner) for place in range(20)], atol=1e-15)
    assert members.tolist() == list(range(5, 105, 5))
    best = course._best_so_far(one)["mixup"]
    assert_allclose(best[1], np.maximum.accumulate(one.frame.sort_index()["utility_shrunk"]))


def test_halving_and_cost_are_counted_by_hand() -> None:
    table = simulated(np.tile([[0.8, 0.81, 0.79]], (6, 1)), methods=["erm", *["mixup"] * 5])
    dropped = np.array([False, False, True, True, True, False])
    configurations = table.configurations.assign(state=np.where(dropped, "dropped", "complete"), epochs=[10, 10, 2, 2, 5, 10])
    fate = configurations["state"].to_numpy()[table.members["key"]]
    status = np.where(fate == "dropped", "pruned", table.members["status"])
    status[:2] = "diverged", "collapsed"
    epochs = configurations["epochs"].to_numpy()[table.members["key"]]
    epochs[:2] = 1  # what failed members did not train was not saved by halving
    members = table.members.assign(status=status, epochs=epochs)
    one = found(replace(table, members=members, configurations=configurations))
    section = course.halving(one)
    assert section is not None
    assert [row.cells for row in section.sheets[0].rows] == [["erm", "1", "0", "0", "1"], ["mixup", "5", "2", "1", "2"]]
    assert "3 configurations of 6 were dropped at rungs, which saved 35 % of the epochs" in section.text[0]
    cost = course.cost(one)
    assert cost is not None
    told = "50.0 % went into configurations dropped at rungs, 5.6 % went into seeds that diverged and 5.6 % went into seeds that collapsed"
    assert told in cost.text[0]
    assert "at a rung; lightest: diverged or collapsed." in cost.drawings[0].caption


def test_how_members_failed_is_named() -> None:
    """One of ten configurations has one diverged and two collapsed seeds; then every seed of all collapsed."""
    gone = np.zeros((10, 5), bool)
    gone[0, :3] = True
    table = simulated(noisy(MEANS) * ~gone, methods=METHODS, diverged=gone)
    status = table.members["status"].to_numpy(copy=True)
    status[1:3] = "collapsed"
    one = found(replace(table, members=table.members.assign(status=status)))
    assert ("diverged", "1") in answer.facts(one)
    assert ("collapsed", "2") in answer.facts(one)
    told = "1 seed diverged and 2 seeds collapsed (6.0 %), which count at chance level; a configuration with a failed seed"
    assert told in " ".join(closing.limits(one).text)
    table = simulated(np.full((10, 5), 0.1), methods=METHODS, diverged=np.ones((10, 5), bool))
    all_gone = found(replace(table, members=table.members.assign(status="collapsed")))
    assert answer.sentences(all_gone)[0].endswith("; every seed of it failed, so nothing is guaranteed.")
    assert "that the rule keeps" not in order.how_to_read(all_gone.ranked)
    told = [line for line in answer.warnings(all_gone) if line.startswith("Every seed of every configuration collapsed: ")]
    assert "Lower the learning rate" not in told[0]
    assert "embedding" in told[0]


def test_where_the_rule_keeps_nobody_the_spread_is_not_called_unknown() -> None:
    gone = np.zeros((10, 5), bool)
    gone[:, :2] = True
    one = found(simulated(noisy(MEANS) * ~gone, methods=METHODS, diverged=gone))
    assert not one.frame["kept"].any()
    assert answer.sentences(one)[1] == "The rule keeps none of 10 (seeds failed), so none is called the best."
    alone = found(simulated(noisy(MEANS[:1]) * ~gone[:1], diverged=gone[:1]))
    assert answer.sentences(alone)[1] == "The rule does not keep the only configuration so far (seeds failed)."


def test_optimism_is_selection_less_test_of_the_same_configuration(digits: Path) -> None:
    one = whole(digits)
    assert one.confirmed is not None
    pairs = order.both(one).set_index(["method", "configuration"])
    after, before = (frame.set_index(["method", "configuration"])["utility"] for frame in (one.confirmed[1].frame, one.frame))
    assert set(pairs.index) == set(after.index)
    assert_allclose(pairs["optimism"], before.reindex(pairs.index) - after.reindex(pairs.index))
    gap, half = order.optimism(pd.DataFrame({"chosen": [True] * 4, "optimism": [0.01, 0.02, 0.03, 0.06]}))
    assert gap == pytest.approx(0.03)
    assert half == pytest.approx(3.18245 * np.std([0.01, 0.02, 0.03, 0.06], ddof=1) / 2, rel=1e-4)


@pytest.mark.parametrize(
    ("value", "low", "high", "told"),
    [
        (0.877, 0.865, 0.889, "87.7 ± 1.2"),
        (0.27, 0.0, 1.0, "27.0 (0.0 to 100.0)"),
        (0.0, 0.0, 0.12, "0.0 (0.0 to 12.0)"),
        (0.99, 0.95, 1.0, "99.0 (95.0 to 100.0)"),
        (1.0, 1.0, 1.0, "100.0 ± 0.0"),
        (0.9, np.nan, np.nan, "90.0"),
    ],
)
def test_an_interval_that_is_cut_off_is_printed_by_its_ends(value: float, low: float, high: float, told: str) -> None:
    assert words.within(value, low, high) == told


def test_a_tail_near_none_is_printed_alike_wherever_it_stands(digits: Path) -> None:
    one = whole(digits)
    row = one.frame.iloc[0].copy()
    row[["tail", "tail_low", "tail_high", "stability", "stability_low", "stability_high"]] = 0.0, 0.0, 0.12, 0.97, 0.9, 1.0
    assert answer._levels(row).endswith(", tail 0.0 (0.0 to 12.0) %")
    assert order._row(row).cells[4:6] == ["0.0 (0.0 to 12.0)", "97.0 (90.0 to 100.0)"]
    assert side._level(pd.concat([row, pd.Series({"study": "s"})])).cells[4] == "0.0 (0.0 to 12.0)"
    assert examples._steady(row, examples.net_spread(one).iloc[0]).cells[1] == "3.0 (0.0 to 10.0)"


def test_only_an_erm_that_was_the_only_one_tried_was_not_chosen() -> None:
    for tried in (1, 2):
        names = [*["erm"] * tried, *["mixup"] * (10 - tried)]
        one = found(replace(simulated(noisy(MEANS), methods=names), confirmed=simulated(noisy(MEANS, entropy=9), methods=names)))
        pairs = order.both(one)
        assert pairs["chosen"].tolist() == [method != "erm" or tried > 1 for method in pairs["method"]]
        gap, _ = order.optimism(pairs)
        assert gap == pytest.approx(pairs["optimism"][pairs["chosen"]].mean())
        assert ("which nothing chose" in order._optimism_told(pairs)) == (tried == 1)


def test_the_spread_net_of_split_noise_is_the_moderated_variance_less_the_noise(digits: Path) -> None:
    one = whole(digits)
    figure, noise = one.ranked.summary.figures["accuracy"], one.ranked.summary.configurations["noise"].to_numpy()
    nets = examples.net_spread(one)
    assert_allclose(nets["net"], np.sqrt(np.maximum(figure.variance - noise, 0)))
    for name, share in (("net_low", 0.975), ("net_high", 0.025)):
        end = figure.df * figure.variance / stats.chi2.ppf(share, figure.df) - noise
        assert_allclose(nets[name], np.sqrt(np.maximum(end, 0)))
    section = examples.stability(one)
    assert section is not None
    row = one.frame.iloc[0]
    assert section.sheets[0].rows[0].cells[1].startswith(f"{100 * (1 - row['stability']):.1f}")


def test_the_interval_of_seeds_that_are_equal_by_rounding_holds_their_spread_of_none(digits: Path) -> None:
    one = whole(digits)
    one.ranked.summary.figures["accuracy"].raw[1] = 0.0
    row = examples.net_spread(one).iloc[1]
    assert (row["low"], row["raw"]) == (0, 0)
    assert 0 < row["high"] < 0.05


def test_the_hardest_examples_are_those_that_most_members_miss(digits: Path) -> None:
    one = whole(digits)
    truth = evidence.read_truth(str(digits / "splits" / "selection.npz"))[0]
    members = [member for path in sorted((digits / "evidence").iterdir()) for member in evidence.read(str(path))]
    missed = np.sum([member.predictions != truth.y for member in members], axis=0)
    section = examples.hardest(one)
    assert section is not None
    shown = [int(re.findall(r"no\. (\d+)", picture.words)[0]) for picture in section.pictures]
    assert sorted(missed[shown], reverse=True) == missed[shown].tolist()
    assert min(missed[shown]) >= np.sort(missed)[-len(shown)]
    panel = np.concatenate([findings.predictions_of(one.table, int(str(key))) for key in findings.best_of_each(one.frame).index])
    wrong = panel[:, shown[0]][panel[:, shown[0]] != truth.y[shown[0]]]
    if len(wrong):
        assert f"mostly taken for digit {np.bincount(wrong).argmax()}" in section.pictures[0].words


def test_who_diverged_or_collapsed_is_not_among_those_that_get_an_example_wrong(digits: Path) -> None:
    """All but eight members failed; one example is missed by those eight, another by four of them."""
    one = whole(digits)
    failed = np.arange(len(one.table.members)) >= 8
    members = one.table.members.assign(status=np.where(failed, np.where(np.arange(len(failed)) % 2, "diverged", "collapsed"), "complete"))
    missed = np.zeros(360, np.int64)
    missed[[3, 7]] = 8, 4
    section = examples.hardest(one._replace(table=replace(one.table, members=members, wrong={"mixup": missed})))
    assert section is not None
    assert "1 example is wrong in all 8 members trained to the end; in half of them or more 2 are" in section.text[0]
    assert [re.findall("wrong in (all|[0-9]+ %)", picture.words)[0] for picture in section.pictures] == ["all", "50 %"]


def test_the_gap_is_the_splits_loss_less_the_training_loss_at_the_end() -> None:
    curves = {"loss": np.array([[2.0, 1.0, np.nan], [2.0, 1.5, 1.2]]), "train_loss": np.array([[2.0, 0.5, np.nan], [1.0, 0.5, 0.3]])}
    assert learning._gap(curves) == pytest.approx((1.0 + 1.2) / 2 - (0.5 + 0.3) / 2)
    assert learning._gap({**curves, "gap": np.array([[0.1, 0.7]])}) == pytest.approx(0.7)
    assert np.isnan(learning._gap({"loss": curves["loss"]}))


def test_a_curve_peaks_inside_only_if_it_rises_above_both_ends_by_more_than_its_band() -> None:
    along, half = np.linspace(1, 5, 5), np.full(5, 0.01)
    assert turned.peak(Dependence(along, np.array([0.80, 0.85, 0.90, 0.85, 0.80]), half)) == (True, 3.0)
    assert not turned.peak(Dependence(along, np.array([0.80, 0.85, 0.90, 0.895, 0.895]), half))[0]
    assert not turned.peak(Dependence(along, np.array([0.895, 0.895, 0.90, 0.85, 0.80]), half))[0]


def test_unequal_budgets_are_not_called_equal() -> None:
    alike = simulated(noisy(MEANS[:9]), methods=["erm", *["mixup"] * 4, *["sam"] * 4])
    unlike = simulated(noisy(MEANS[:9]), methods=["erm", *["mixup"] * 6, *["sam"] * 2])
    told = [methods.compared(found(table)) for table in (alike, unlike)]
    assert told[0] is not None
    assert told[0].text[0].startswith("Every method had the same budget.")
    assert told[1] is not None
    assert told[1].text[0].startswith("The budgets differ so far, from 2 to 6 configurations")


def test_what_a_rank_test_could_reach_is_said_of_every_number_of_seeds() -> None:
    """Against ERM's 4 seeds mixup has 5, sam 3, softad 2: 2 / C(9, 4) = .016, 2 / C(7, 3) = .057, 2 / C(6, 2) = .13."""
    scores = noisy(MEANS[:7])
    scores[0, 4:], scores[3:5, 3:], scores[5:, 2:] = np.nan, np.nan, np.nan
    section = methods.compared(found(simulated(scores, methods=["erm", *["mixup"] * 2, *["sam"] * 2, *["softad"] * 2])))
    assert section is not None
    told = "A rank test could not fall below p = 0.057 with 3 against ERM's 4 seeds and p = 0.13 with 2 against ERM's 4 seeds whatever"
    assert told in section.text[1]
    section = methods.compared(found(simulated(noisy(MEANS, seeds=3), methods=METHODS)))
    assert section is not None
    assert "A rank test could not fall below p = 0.1 with 3 against ERM's 3 seeds whatever the data." in section.text[1]


def test_the_draws_of_each_chance_are_counted() -> None:
    """P(front) is taken from every fourth of the draws, so it comes in steps of 1/1000."""
    one = found(simulated(noisy(MEANS), noisy(MEANS[::-1], entropy=2), noisy(MEANS, entropy=3), methods=METHODS))
    assert "4,000 joint draws" in order.how_to_read(one.ranked)
    assert "P(front) from every fourth of them" in order.how_to_read(one.ranked)
    steps = 1000 * one.frame["front"].to_numpy()
    assert_allclose(steps, steps.round(), atol=1e-9)


def test_the_share_of_work_lost_to_faults_is_of_all_work(tmp_path: Path) -> None:
    table = simulated(noisy(MEANS), methods=METHODS)
    assert float(table.members["seconds"].sum()) == 50
    home = replace(table.home, root=str(tmp_path))
    assert course.found_faults(found(replace(table, home=home))).startswith("No fault of a worker is on record")
    (tmp_path / "faults.jsonl").write_text('{"group": "g", "seconds": 20.0}\n{"group": "h", "seconds": 10.0}\n')
    told = course.found_faults(found(replace(table, home=home)))
    assert told.startswith("2 faults of workers or their machines threw at least 30 s of training away, 37.5 % of all work")


def test_the_answer_says_where_the_rule_prefers_one_that_is_not_the_best_on_average() -> None:
    ranked = found(simulated(noisy(MEANS), methods=METHODS)).ranked
    frame = ranked.frame.assign(indistinguishable=False, p_best=0.0)
    frame.loc[frame.index[1:3], ["indistinguishable", "p_best"]] = True, 0.5
    told = answer._how_sure(ranked._replace(frame=frame))
    rest = "one of 2 others is the best in the mean of retrainings, and the rule prefers this one for how little they vary."
    assert told.endswith(f"; with 95 % confidence {rest}")
    assert "cannot be told from the best" in answer._how_sure(ranked._replace(frame=frame.assign(indistinguishable=True)))


@pytest.mark.parametrize(
    ("gap", "told"), [(0.0002, "the same utility"), (0.012, "1.2 points of utility more"), (-0.006, "0.6 points of utility less")]
)
def test_what_the_search_had_reported_is_more_less_or_the_same(gap: float, told: str) -> None:
    assert answer._reported(gap) == f" The search had reported {told} on average for those it chose."
