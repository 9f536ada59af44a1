"""Chances of ranks are calibrated, on simulated studies with known truth."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from analysis import chances
from analysis.summary import Figure, figure_of, summarise
from tests.analysis.tables import simulated
from trainables.draws import stream


def drawn(scores: np.ndarray, entropy: int, draws: int = 1000) -> tuple[Figure, np.ndarray]:
    """A figure of scores (C, k), and posterior draws of its true values."""
    count, seeds = scores.shape
    none = np.zeros(count)
    figure = figure_of(scores.ravel(), np.repeat(np.arange(count), seeds), none + seeds, none, none.astype(np.intp))
    source = stream(entropy, "draws")
    return figure, chances.posterior(figure, none + seeds, np.arange(count), source.standard_normal((draws, count)), source)


@pytest.fixture(scope="module")
def simulations() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of 700 studies of 25 configurations and 3 seeds, unequal in spread and noise: P(best), who was best, whether rank intervals held."""
    said, was, held = [], [], []
    for study in range(700):
        source = stream(1, "studies", study)
        truth = 0.9 + (0.003, 0.005, 0.01)[study % 3] * source.standard_normal(25)
        sigma = 0.005 * np.sqrt(8 / source.chisquare(8, 25))
        _, draws = drawn(truth[:, None] + sigma[:, None] * source.standard_normal((25, 3)), study)
        found = chances.chances(draws, np.arange(25), 25, 5)
        rank = (-truth).argsort().argsort() + 1
        said.append(found.best)
        was.append(rank == 1)
        held.append((rank >= found.low) & (rank <= found.high))
    return np.array(said), np.array(was), np.array(held)


def test_of_configurations_said_to_be_best_with_chance_p_a_share_p_is_best(simulations: tuple[np.ndarray, ...]) -> None:
    said, was, _ = simulations
    edges = [0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.55, 0.8, 1.01]
    errors = []
    for low, high in pairwise(edges):
        inside = (said >= low) & (said < high)
        stated, seen = said[inside].mean(), was[inside].mean()
        noise = np.sqrt(stated * (1 - stated) / inside.sum())
        assert abs(seen - stated) < 0.04 + 3 * noise, (low, high, stated, seen, int(inside.sum()))
        errors.append(inside.mean() * abs(seen - stated))
    assert sum(errors) < 0.01


def test_rank_intervals_of_nominal_90_percent_hold_the_true_rank(simulations: tuple[np.ndarray, ...]) -> None:
    assert 0.88 < simulations[2].mean() < 0.96


def test_the_indistinguishable_set_holds_the_best_in_95_of_100_studies(simulations: tuple[np.ndarray, ...]) -> None:
    said, was, _ = simulations
    order = np.argsort(-said, axis=1)
    sums = np.cumsum(np.take_along_axis(said, order, axis=1), axis=1)
    size = (sums < 0.95 - 1e-9).sum(1) + 1
    place = np.take_along_axis(was, order, axis=1).argmax(1)
    assert 0.925 < (place < size).mean() < 0.985


def test_draws_spread_as_the_truth_does() -> None:
    inside = []
    for study in range(120):
        source = stream(2, "spread", study)
        truth = 0.9 + 0.005 * source.standard_normal(40)
        _, draws = drawn(truth[:, None] + 0.006 * source.standard_normal((40, 3)), study, 400)
        low, high = np.quantile(draws, [0.05, 0.95], axis=0)
        inside.append((truth >= low) & (truth <= high))
    assert 0.87 < np.mean(inside) < 0.93


def test_what_reaches_another_is_as_often_so_in_joint_draws() -> None:
    source = stream(7, "against one")
    scores = 0.75 + 0.015 * source.standard_normal((24, 1)) + 0.04 * source.standard_normal((24, 3))
    none = np.zeros(24)
    figure = figure_of(scores.ravel(), np.repeat(np.arange(24), 3), none + 3, none, none.astype(np.intp))
    draws = chances.posterior(figure, none + 3, np.arange(24), source.standard_normal((20_000, 24)), source)
    found = chances.reaches(figure, none + 3, 5, 0.01)
    assert_allclose(found, np.where(np.arange(24) == 5, 1, (draws >= draws[:, 5:6] - 0.01).mean(0)), atol=0.02)
    alike = figure_of(np.full(72, 0.75), np.repeat(np.arange(24), 3), none + 3, none, none.astype(np.intp))
    assert_allclose(chances.reaches(alike, none + 3, 5, 0.01), 1)
    unknown = chances.reaches(figure._replace(df=np.where(np.arange(24) == 3, 0.0, figure.df)), none + 3, 5, 0.01)
    assert np.isnan(unknown[3])
    assert np.isfinite(np.delete(unknown, 3)).all()


def test_who_leads_by_luck_has_more_likely_a_large_variance() -> None:
    """One configuration far above 40 others: its posterior against the same integral done on a grid of (theta, sigma)."""
    source = stream(6, "outlier")
    scores = np.vstack(
        [0.9 + 0.003 * source.standard_normal((40, 1)) + 0.004 * source.standard_normal((40, 3)), 0.915 + 0.002 * np.array([[-1, 0, 1]])]
    )
    count, none = len(scores), np.zeros(len(scores))
    figure = figure_of(scores.ravel(), np.repeat(np.arange(count), 3), none + 3, none, none.astype(np.intp))._replace(
        usual=np.ones(count, bool)
    )
    figure = figure._replace(df=np.full(count, 5.0), variance=np.full(count, 0.004**2))
    normal = source.standard_normal((20_000, count))
    draws = chances.posterior(figure, none + 3, np.arange(count), normal, source)[:, -1]
    population = chances._population(figure, none + 3, 4000, source)
    assert population is not None
    theta, sigma = np.meshgrid(np.linspace(0.88, 0.94, 400), np.exp(np.linspace(np.log(1e-3), np.log(4e-2), 300)), indexing="ij")
    log = (
        -0.5 * ((theta - population.centre.mean()) / population.scale.mean()) ** 2
        - 0.5 * 3 * ((figure.mean[-1] - theta) / sigma) ** 2
        - np.log(sigma)
    )
    log += stats.chi2.logpdf(5 * 0.004**2 / sigma**2, 5) - 2 * np.log(sigma)
    weight = np.exp(log - log.max())
    mean = (weight * theta).sum() / weight.sum()
    spread = np.sqrt((weight * (theta - mean) ** 2).sum() / weight.sum())
    assert_allclose(draws.mean(), mean, atol=0.0005)
    assert_allclose(draws.std(), spread, rtol=0.12)


def test_two_clearly_apart_are_told_apart() -> None:
    figure, draws = drawn(np.array([[0.90, 0.91, 0.90, 0.91], [0.60, 0.61, 0.60, 0.61]]), 1)
    assert (draws.argmax(1) == 0).mean() > 0.99
    assert figure.mean[0] > figure.mean[1]


def test_chances_sum_to_one_and_ranks_to_their_sum() -> None:
    _, draws = drawn(0.9 + 0.01 * stream(3, "sums").standard_normal((12, 3)), 2)
    found = chances.chances(draws, np.arange(12), 12, 4)
    assert_allclose(found.best.sum(), 1)
    assert_allclose(found.top.sum(), 4)
    assert_allclose(found.expected.sum(), 12 * 13 / 2)
    assert found.best[found.indistinguishable].sum() >= 0.95
    smallest = found.best[found.indistinguishable].min()
    assert found.best[found.indistinguishable].sum() - smallest < 0.95


def test_figures_of_a_configuration_are_drawn_with_their_correlation() -> None:
    source = stream(4, "joint")
    shared = source.standard_normal((200, 5))
    accuracy = 0.9 + 0.01 * source.standard_normal((200, 1)) + 0.005 * shared
    tail = 0.8 + 0.01 * source.standard_normal((200, 1)) + 0.005 * (0.8 * shared + 0.6 * source.standard_normal((200, 5)))
    summary = summarise(simulated(accuracy, tail))
    assert_allclose(summary.correlation[0, 1], 0.8, atol=0.05)
    draws = chances.draw(summary, np.array([3, 50]), 4000)
    assert_allclose(np.corrcoef(draws["accuracy"][:, 0], draws["tail"][:, 0])[0, 1], 0.8, atol=0.08)
    assert abs(np.corrcoef(draws["accuracy"][:, 0], draws["accuracy"][:, 1])[0, 1]) < 0.1
    assert_allclose(draws["utility"], 0.5 * draws["accuracy"] + 0.5 * draws["tail"])


def test_only_contenders_are_drawn_of_very_many() -> None:
    scores = 0.5 + 0.4 * np.arange(3000)[:, None] / 3000 + 0.001 * stream(5, "many").standard_normal((3000, 3))
    summary = summarise(simulated(scores))
    rows = chances.drawn(summary, np.ones(3000, bool), "accuracy")
    assert len(rows) == chances.MOST
    assert rows.min() > 3000 - chances.MOST - 20


def test_who_could_be_near_the_top_is_drawn_and_not_who_surely_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The third is lower than the second, but of one seed: it may yet be the best."""
    monkeypatch.setattr(chances, "MOST", 2)
    scores = 0.9 + 0.004 * stream(7, "few").standard_normal((12, 6)) + np.linspace(0.02, -0.2, 12)[:, None]
    scores[2, 1:] = np.nan
    summary = summarise(simulated(scores))
    figure = summary.figures["accuracy"]
    reach = figure.shrunk + 4 * np.sqrt(figure.shrunk_variance)
    assert chances.drawn(summary, np.ones(12, bool), "accuracy").tolist() == sorted(np.argsort(-reach)[:2].tolist())
    assert chances.drawn(summary, np.arange(12) > 4, "accuracy").min() > 4


def test_utility_is_drawn_with_its_weights() -> None:
    source = stream(8, "weights")
    accuracy, tail = (level + 0.01 * source.standard_normal((9, 3)) for level in (0.9, 0.6))
    summary = summarise(simulated(accuracy, tail), {"mean": 4, "tail": 1})
    draws = chances.draw(summary, np.arange(9), 50)
    assert_allclose(draws["utility"], 0.8 * draws["accuracy"] + 0.2 * draws["tail"])


def test_the_centre_is_no_better_known_than_the_data_allow() -> None:
    """Four configurations alike to the last digit: each is drawn at least as widely as their common mean is known, sigma^2 / 12."""
    noise = 0.01 * np.array([[-1, 0, 1]])
    _, draws = drawn(0.9 + np.repeat(noise, 4, axis=0), 3, 4000)
    assert draws.var(axis=0).min() > 0.01**2 / 12


def test_a_hopeless_configuration_is_drawn_where_it_is_and_moves_nobody() -> None:
    source = stream(9, "hopeless")
    good = 0.9 + 0.002 * source.standard_normal((30, 1)) + 0.004 * source.standard_normal((30, 3))
    _, alone = drawn(good, 4, 2000)
    _, draws = drawn(np.vstack([good, 0.3 + 0.004 * np.array([[-1, 0, 1]])]), 4, 2000)
    assert_allclose(draws[:, -1].mean(), 0.3, atol=0.002)
    assert_allclose(draws[:, :-1].mean(0), alone.mean(0), atol=0.001)


def test_rank_intervals_are_the_5th_and_95th_percentile() -> None:
    draws = np.zeros((100, 2))
    draws[:, 0] = np.where(np.arange(100) < 8, 1, -1)
    found = chances.chances(draws, np.arange(2), 2, 1)
    assert (found.low[0], found.high[0], found.low[1], found.high[1]) == (1, 2, 1, 2)
    draws[:, 0] = np.where(np.arange(100) < 4, 1, -1)
    found = chances.chances(draws, np.arange(2), 2, 1)
    assert (found.low[0], found.high[0], found.low[1], found.high[1]) == (2, 2, 1, 1)
