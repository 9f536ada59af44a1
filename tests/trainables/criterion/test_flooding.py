"""Flooding and iFlood."""

import pytest

from tests.trainables.criterion.worked import FIVE, at, close, watched
from trainables.criterion.flooding import flooding, iflood
from trainables.criterion.mean import mean
from trainables.criterion.softad import softad


def test_above_the_flood_level_it_is_the_mean():
    assert close(at(flooding(), flood=0.25), (1.2800000002, [0.2] * 5))
    assert watched(flooding(), flood=0.25) == {"ascending": 0}


def test_below_the_flood_level_only_the_sign_of_the_gradient_flips():
    seen = at(flooding(), flood=2.0)
    assert close(seen, (2.7199999998, [-0.2] * 5))
    assert seen.slopes == [-slope for slope in at(mean()).slopes]
    assert watched(flooding(), flood=2.0) == {"ascending": pytest.approx(1)}


def test_flood_level_0_is_the_mean():
    assert at(flooding(), flood=0.0) == at(mean())


def test_the_flood_holds_back_the_weighted_mean():
    weights = (0.6, 0.1, 0.1, 0.1, 0.1)
    assert close(at(flooding(), weights=weights, flood=0.75), (0.75 + 0.75 - 0.6400000006, [-w for w in weights]))


def test_iflood_turns_every_example_back_by_itself():
    assert close(at(iflood(), theta=0.25, sigma=1.0), ((0.25 + 0.15 + 0.05 + 0.75 + 4.75 - 1e-9) / 5, [-0.2, -0.2, 0.2, 0.2, 0.2]))
    assert watched(iflood(), theta=0.25) == {"ascending": pytest.approx(0.4)}


def test_iflood_with_theta_below_all_losses_is_the_mean_but_for_theta_and_above_all_its_opposite():
    losses, third = (0.5, 1.0, 2.0), [1 / 3] * 3
    assert close(at(iflood(), losses, theta=0.4, sigma=1.0), (3.5 / 3 - 0.4, third))
    assert close(at(iflood(), losses, theta=2.1, sigma=1.0), (2.1 - 3.5 / 3, [-part for part in third]))


def test_sigma_scales_iflood_once_since_one_of_its_squares_cancels():
    narrow, wide = at(iflood(), theta=0.25, sigma=0.5), at(iflood(), theta=0.25, sigma=1.0)
    assert close(narrow, (wide.value / 2, [slope / 2 for slope in wide.slopes]))


def test_iflood_is_softad_of_vanishing_width_up_to_that_width():
    narrow = 1e-6
    soft, hard = at(softad(), FIVE, theta=0.25, sigma=narrow), at(iflood(), FIVE, theta=0.25, sigma=narrow)
    assert soft.slopes == pytest.approx(hard.slopes, rel=1e-8)
