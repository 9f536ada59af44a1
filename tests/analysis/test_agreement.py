"""Stability and split noise from predictions, against the scores' own churn and simulated truth."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from analysis import agreement, statistics
from analysis.summary import figure_of
from trainables import scores
from trainables.draws import stream


@given(st.integers(1, 6), st.integers(1, 40), st.integers(0, 10_000))
def test_pseudo_values_average_to_one_minus_churn(seeds: int, examples: int, entropy: int) -> None:
    predictions = stream(entropy, "predictions").integers(0, 3, (2, seeds, examples)).astype(np.int16)
    found = agreement.stability_by_seed(agreement.pair_agreement(predictions))
    assert found.shape == (2, seeds)
    for row, values in zip(predictions, found, strict=True):
        assert_allclose(values.mean(), scores.stability(row), atol=1e-12)


def test_a_diverged_seed_agrees_with_nobody() -> None:
    predictions = np.zeros((1, 3, 4), np.int16)
    predictions[0, 2] = scores.NO_PREDICTION
    assert_allclose(agreement.stability_by_seed(agreement.pair_agreement(predictions)).mean(), scores.stability(predictions[0]))
    both = np.full((1, 3, 4), scores.NO_PREDICTION, np.int16)
    assert_allclose(agreement.stability_by_seed(agreement.pair_agreement(both)), 0)


def test_intervals_of_stability_cover_at_five_and_ten_seeds() -> None:
    """Truth: the expected agreement of two seeds, over configurations whose seeds differ in skill."""
    for seeds in (5, 10):
        source = stream(1, "churn", seeds)
        difficulty = source.normal(0, 1.5, 300)
        count, inside = 150, []
        for _ in range(4):
            skill = 2 + 0.5 * source.standard_normal((count, 1)) + 0.15 * source.standard_normal((count, 200))
            chance = 1 / (1 + np.exp(difficulty - skill[..., None]))
            mean = chance.mean(1)
            truth = (mean**2 + (1 - mean) ** 2).mean(-1)
            right = (source.random((count, seeds, 300)) < chance[:, :seeds]).astype(np.int16)
            values = agreement.stability_by_seed(agreement.pair_agreement(right)).ravel()
            place, none = np.repeat(np.arange(count), seeds), np.zeros(count)
            figure = figure_of(values, place, none + seeds, none, none.astype(np.intp), jackknife=True)
            inside.append(np.abs(figure.mean - truth) <= figure.half)
        assert 0.93 <= np.mean(inside) <= 0.985


def test_split_noise_is_the_formula_worked_by_hand() -> None:
    right = np.array([[[1, 1, 0, 0], [1, 0, 0, 1], [1, 1, 0, 1]]], bool)
    share = np.array([1, 2 / 3, 0, 2 / 3])
    assert_allclose(agreement.split_noise(right), (1.5 * share * (1 - share)).sum() / 16)


def test_net_variance_is_unbiased() -> None:
    """Seeds shift the skill on all examples together; the net variance is that of the accuracy an endless split would show."""
    source = stream(2, "net variance")
    examples, repeats, seeds = 200, 4000, 3
    difficulty = source.normal(0, 1.0, examples)
    skill = 1.5 + 0.2 * source.standard_normal((repeats, seeds))
    chance = 1 / (1 + np.exp(difficulty - skill[..., None]))
    right = source.random(chance.shape) < chance
    net = statistics.net_variance(right.mean(-1).var(1, ddof=1), agreement.split_noise(right))
    many = 1 / (1 + np.exp(difficulty - (1.5 + 0.2 * source.standard_normal(20_000))[:, None]))
    truth = many.mean(1).var() - many.var(0).sum() / examples**2
    assert abs(net.mean() - truth) < 3 * net.std() / np.sqrt(repeats)
    assert net.std() / np.sqrt(repeats) < 0.1 * truth
