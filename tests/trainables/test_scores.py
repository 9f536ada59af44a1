"""Scores against counts by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables import scores
from trainables.scores import Truth

TRUTH = Truth(y=np.array([0, 0, 1, 1, 1, 1]), group=np.array([0, 1, 0, 1, 0, 1]), classes=2)
PREDICTED = np.array([0, 1, 1, 1, 1, 0])
LOSSES = np.array([0.1, 2.0, 0.2, 0.3, 0.4, 1.0])
NOBODY = np.full(6, -1)


def test_accuracy_and_worst_parts_count_right_answers():
    assert scores.accuracy(PREDICTED, TRUTH) == pytest.approx(4 / 6)
    assert scores.worst_class(PREDICTED, LOSSES, TRUTH) == pytest.approx(1 / 2)
    assert scores.worst_group(PREDICTED, LOSSES, TRUTH) == pytest.approx(1 / 3)


def test_cvar_is_the_mean_of_the_worst_share_with_a_fractional_last_example():
    assert scores.cvar(1 / 3)(PREDICTED, LOSSES, TRUTH) == pytest.approx(np.exp(-1.5))
    assert scores.cvar(0.25)(PREDICTED, LOSSES, TRUTH) == pytest.approx(np.exp(-(2.0 + 0.5 * 1.0) / 1.5))
    assert scores.cvar(1.0)(PREDICTED, LOSSES, TRUTH) == pytest.approx(np.exp(-LOSSES.mean()))


def test_a_diverged_member_scores_chance_level_on_everything():
    for tail in (scores.worst_class, scores.worst_group, scores.cvar(0.1)):
        assert tail(NOBODY, np.full(6, np.log(2)), TRUTH) == 0.5
    assert scores.accuracy(NOBODY, TRUTH) == 0.5


def test_churn_is_the_mean_disagreement_over_pairs_of_seeds():
    predictions = np.array([[0, 1, 2, 3], [0, 1, 2, 0], [0, 1, 1, 3]])
    assert scores.churn(predictions) == pytest.approx((1 / 4 + 1 / 4 + 2 / 4) / 3)
    assert scores.stability(predictions) == 1 - scores.churn(predictions)


@given(st.lists(st.lists(st.integers(-1, 3), min_size=5, max_size=5), min_size=2, max_size=6))
def test_churn_equals_the_slow_count_and_agreement_averages_to_stability(table):
    predictions = np.array(table)
    slow = np.mean([np.mean((a != b) | (a == -1)) for a, b in itertools.combinations(predictions, 2)])
    assert scores.churn(predictions) == pytest.approx(slow)
    assert scores.agreement(predictions).mean() == pytest.approx(scores.stability(predictions))


def test_diverged_members_agree_with_nobody_not_even_with_each_other():
    assert scores.churn(np.stack([NOBODY, NOBODY])) == 1


def test_one_seed_has_no_churn():
    assert np.isnan(scores.churn(PREDICTED[None]))


@pytest.mark.parametrize("name", ["worst-class", "worst-group", "cvar(0.1)", "cvar(1)", "cvar( .05 )"])
def test_tail_scores_are_found_by_name(name):
    assert 0 <= scores.tail_named(name)(PREDICTED, LOSSES, TRUTH) <= 1


@pytest.mark.parametrize("name", ["worst", "cvar(0)", "cvar(1.5)", "cvar", "cvar(-0.1)"])
def test_an_unknown_tail_is_refused_in_words(name):
    with pytest.raises(ValueError, match="worst-class, worst-group or cvar"):
        scores.tail_named(name)
