"""Several studies: aggregates only where there are enough runs, and right where there are."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from analysis import across, compare_studies
from analysis.comparable import Judged
from analysis.ranking import ranking
from tests.analysis import synthetic
from tests.analysis.tables import simulated
from trainables.draws import stream


def runs(sets: int, seeds: int, gains: dict[str, float], entropy: int = 1) -> across.Runs:
    source = stream(entropy, "runs")
    level = 0.7 + 0.2 * source.random(sets)
    return {name: [level[place] + gain + 0.01 * source.standard_normal(seeds) for place in range(sets)] for name, gain in gains.items()}


@pytest.mark.parametrize(("sets", "seeds", "enough"), [(2, 10, True), (4, 4, False), (1, 30, False), (4, 5, True)])
def test_aggregates_ask_for_twenty_runs_over_two_data_sets(sets: int, seeds: int, enough: bool) -> None:
    assert across.enough(runs(sets, seeds, {"erm": 0, "sam": 0.02})) is enough


def test_the_interquartile_mean_and_the_gap_are_worked_by_hand() -> None:
    values = np.array([0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.9, 1.3])
    alike = np.ones(8)
    assert_allclose(across.middle(values, alike), (0.4 + 0.5 + 0.6 + 0.7) / 4)
    assert_allclose(across.gap(values, alike), 1 - (0.0 + 0.2 + 0.4 + 0.5 + 0.6 + 0.7 + 0.9 + 1.0) / 8)
    assert_allclose(across.middle(np.array([0.1, 0.9, 0.5]), np.array([1, 1, 2])), 0.5)
    assert_allclose(across.middle(np.stack([values, values[::-1] + 1]), alike), [0.55, 1.55])


def test_a_data_set_weighs_the_same_however_many_seeds_a_method_has_there() -> None:
    source = stream(4, "unequal")
    high, low = (level + 0.01 * source.standard_normal(20) for level in (0.95, 0.6))
    first, second = across.aggregates({"a": [high[:15], low[:5]], "b": [high[:5], low[:15]]})
    assert_allclose([first.middle, first.gap], [second.middle, second.gap], atol=0.01)
    assert_allclose(first.gap, 1 - 0.775, atol=0.01)
    assert first.middle_low < second.middle < first.middle_high


def test_the_better_method_comes_first_with_an_interval_that_holds_its_mean() -> None:
    first, second = across.aggregates(runs(8, 5, {"erm": 0.0, "sam": 0.05}))
    assert (first.method, second.method) == ("sam", "erm")
    assert first.runs == 40
    assert first.middle_low < first.middle < first.middle_high
    assert second.middle_high < first.middle_low
    assert across.aggregates(runs(8, 5, {"erm": 0.0, "sam": 0.05}))[0] == first


def test_bootstrap_intervals_within_data_sets_cover_at_twenty_runs() -> None:
    """The data sets are given; what varies are the seeds. Percentile intervals of forty runs fall a little short of 95 %."""
    inside = []
    for repeat in range(150):
        source = stream(2, "coverage", repeat)
        sets = [level + 0.02 * source.standard_normal(10) for level in (0.7, 0.8, 0.85, 0.9)]
        pooled = across.gap(across._resampled(sets, "m")[:400], np.ones(40))
        low, high = np.quantile(pooled, [0.025, 0.975])
        inside.append(low <= 1 - 0.8125 <= high)
    assert 0.87 <= np.mean(inside) <= 0.98


def test_a_profile_is_the_share_of_runs_above() -> None:
    found = {"a": [np.array([0.1, 0.5]), np.array([0.3, 0.9, 0.9, 0.9])]}
    share, low, high = across.profile(found, np.array([0.0, 0.4, 1.0]))["a"]
    assert_allclose(share, [1, (0.5 + 0.75) / 2, 0])
    assert (low <= share).all()
    assert (share <= high).all()


def test_critical_differences_are_demsars_and_friedmans() -> None:
    """Demsar 2006, table 5: q at 5 % is 2.569 for four methods."""
    found = runs(12, 3, {"erm": 0.0, "sam": 0.03, "mixup": 0.03, "g-mix": 0.05})
    critical = across.critical(found)
    assert critical is not None
    assert_allclose(critical.difference, 2.569 * np.sqrt(4 * 5 / (6 * 12)), rtol=1e-3)
    means = [[values.mean() for values in sets] for sets in found.values()]
    assert_allclose(critical.p, stats.friedmanchisquare(*means).pvalue)
    assert critical.ranks["g-mix"] < critical.ranks["sam"] < critical.ranks["erm"]
    assert across.critical(runs(9, 3, {"erm": 0.0, "sam": 0.03, "mixup": 0.03})) is None
    assert across.critical(runs(12, 3, {str(name): 0.0 for name in range(11)})) is None


@pytest.mark.usefixtures("unsaved")
def test_studies_are_compared_on_one_page(tmp_path: Path) -> None:
    world = synthetic.World(epochs=3, examples=120, seeds=5)
    paths = []
    for place in range(4):
        home = tmp_path / f"set{place}"
        synthetic.study(home, {"erm": 1, "mixup": 4, "sam": 4}, world._replace(entropy=place))
        text = (home / "study.yaml").read_text().replace("name: digits", f"name: data{place}", 1)
        (home / "study.yaml").write_text(text)
        paths.append(str(home))
    page = compare_studies(paths)
    assert page == tmp_path / "comparison" / "index.html"
    text = page.read_text(encoding="utf-8")
    assert "4 studies compared" in text
    assert "Performance profiles" in text
    assert "needs three to 10 methods on 10 data sets or more; here are 3 on 4" in text
    few = compare_studies(paths[:2], out=tmp_path / "few").read_text(encoding="utf-8")
    assert "Aggregates need 20 runs a method" in few


def test_one_study_is_no_comparison(digits: Path) -> None:
    with pytest.raises(ValueError, match="two studies or more, got 1"):
        compare_studies([str(digits)])


def test_runs_are_drawn_again_within_their_data_set() -> None:
    samples = across._resampled([np.full(3, 0.1), np.full(2, 0.9)], "m")
    assert_allclose(samples, np.tile([0.1, 0.1, 0.1, 0.9, 0.9], (len(samples), 1)))


def test_a_study_enters_with_its_methods_best_and_their_gains_in_utility() -> None:
    scores = np.tile(0.8 + 0.01 * np.arange(5)[:, None], 3) + 0.001 * np.array([-1, 0, 1])
    table = simulated(scores, scores - 0.02 * np.arange(5)[:, None], methods=["erm", *["mixup"] * 2, *["sam"] * 2])
    one = Judged(table, ranking(table, "mean"), "digits", confirmed=False)
    best = across.best([one]).set_index("method")
    assert best["configuration"].to_dict() == {"sam": 4, "mixup": 2, "erm": 0}
    assert_allclose(best.loc[["sam", "mixup"], "gain"], [0.04 - 0.5 * 0.08, 0.02 - 0.5 * 0.04], atol=1e-12)
    utility = 0.5 * scores + 0.5 * (scores - 0.02 * np.arange(5)[:, None])
    assert_allclose(across.runs([one])["sam"][0], utility[4])
