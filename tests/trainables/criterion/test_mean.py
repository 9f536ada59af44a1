"""Empirical risk."""

from tests.trainables.criterion.worked import at, close, watched
from trainables.criterion.mean import mean


def test_the_mean_of_the_losses_with_equal_slopes():
    assert close(at(mean()), (1.2800000002, [0.2] * 5))


def test_weights_take_the_place_of_one_over_n():
    assert close(at(mean(), (1.0, 3.0), (0.25, 0.75)), (2.5, [0.25, 0.75]))


def test_it_has_nothing_to_search_and_nothing_to_log():
    assert mean().knobs == ()
    assert watched(mean()) == {}
