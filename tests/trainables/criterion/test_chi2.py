"""chi2-DRO."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from tests.trainables.criterion.worked import FIVE, adapted, at, close, watched
from trainables.criterion.chi2 import chi2_dro
from trainables.criterion.mean import mean


def dual(theta, values, weights, radius):
    return theta + np.sqrt((1 + 2 * radius) * np.sum(weights * np.maximum(values - theta, 0) ** 2))


def test_radius_one_half_gives_the_worked_value_and_threshold():
    assert close(at(chi2_dro(), chi2_radius=0.5).value, 3.1725115588)
    assert close(watched(chi2_dro(), chi2_radius=0.5)["threshold"], -0.6125115, rel=1e-6)


def test_radius_1_gives_the_worked_value():
    assert close(at(chi2_dro(), chi2_radius=1.0).value, 3.9564155133)


def test_the_slopes_are_the_worst_reweighting_in_the_ball():
    for radius in (0.1, 0.5, 1.0):
        seen = at(chi2_dro(), chi2_radius=radius)
        assert sum(seen.slopes) == pytest.approx(1)
        assert np.dot(seen.slopes, FIVE) == pytest.approx(seen.value)
        assert np.mean((5 * np.array(seen.slopes) - 1) ** 2) / 2 == pytest.approx(radius)  # it lies on the ball's surface


def test_radius_0_is_the_mean():
    seen = at(chi2_dro(), chi2_radius=0.0)
    assert seen.value == pytest.approx(1.28, abs=1e-7)
    assert seen.slopes == pytest.approx(at(mean()).slopes, abs=1e-7)


def test_a_ball_that_holds_every_reweighting_gives_the_largest_loss():
    assert close(at(chi2_dro(), chi2_radius=10.0), (5, [0, 0, 0, 0, 1]))
    assert close(at(chi2_dro(), (1.0, 4.0, 4.0), chi2_radius=10.0), (4, [0, 0.5, 0.5]))


def test_equal_losses_are_their_own_risk_with_slopes_that_sum_to_1():
    assert close(at(chi2_dro(), (0.7,) * 4, chi2_radius=0.5), (0.7, [0.25] * 4))
    assert close(at(chi2_dro(), (0.7,), chi2_radius=0.5), (0.7, [1]))


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0.05, 1)), min_size=2, max_size=12), st.floats(0.05, 10))
def test_the_threshold_in_closed_form_is_the_minimum_that_scipy_finds(pairs, radius):
    values, weights = np.array(pairs).T
    weights = weights / weights.sum()
    spread = np.ptp(values) + 1e-6
    bounds = (values.min() - spread / (np.sqrt(1 + 2 * radius) - 1), values.max())
    found = minimize_scalar(dual, args=(values, weights, radius), bounds=bounds, method="bounded", options={"xatol": 1e-10})
    ours = at(chi2_dro(), values, weights, chi2_radius=radius).value
    assert ours <= found.fun + 1e-6 * spread
    assert ours == pytest.approx(min(found.fun, values.max()), abs=1e-5 * spread)


def test_the_slope_is_the_one_with_the_threshold_held():
    threshold = watched(chi2_dro(), chi2_radius=1.0)["threshold"]
    held = at(chi2_dro("fixed"), chi2_radius=1.0, cutoff=threshold)
    assert close(at(chi2_dro(), chi2_radius=1.0), held)


def test_a_fixed_cutoff_of_0_is_the_root_mean_square_scaled():
    values = np.array([1.0, 2.0, 2.0])
    seen = at(chi2_dro("fixed"), values, chi2_radius=1.5, cutoff=0.0)
    assert close(seen, (2 * np.sqrt(3), (4 / 3 * values / (2 * np.sqrt(3))).tolist()))


def test_a_fixed_cutoff_above_all_losses_stops_learning():
    assert close(at(chi2_dro("fixed"), chi2_radius=1.0, cutoff=5.0), (5, [0] * 5))


def test_a_learned_threshold_steps_down_the_slope_and_finds_the_minimum():
    values, factor = np.array(FIVE), np.sqrt(3.0)
    slope = 1 - factor * np.mean(values) / np.sqrt(np.mean(values**2))
    assert adapted(chi2_dro("learned"), chi2_radius=1.0, threshold_step=0.01) == pytest.approx(-0.01 * slope)
    threshold = 0.0
    for _ in range(50):
        threshold = adapted(chi2_dro("learned"), threshold=threshold, chi2_radius=1.0, threshold_step=0.5)
    assert threshold == pytest.approx(watched(chi2_dro(), chi2_radius=1.0)["threshold"], abs=1e-3)
