"""SoftAD and its r."""

import math

import pytest
import torch

from tests.trainables.criterion.worked import at, close, watched
from trainables.criterion.softad import pseudo_huber, softad


@pytest.mark.parametrize(
    ("x", "r", "slope"),
    [(0.5, 0.11803399, 0.4472136), (1, 0.41421356, 0.70710678), (3, 2.16227766, 0.9486833), (10, 9.04987562, 0.99503719)],
)
def test_r_and_its_slope_are_those_of_the_table(x, r, slope):
    for sign in (1, -1):
        at_x = torch.tensor(float(sign * x), dtype=torch.float64)
        assert pseudo_huber(at_x).item() == pytest.approx(r, abs=1e-8)
        assert torch.func.grad(pseudo_huber)(at_x).item() == pytest.approx(sign * slope, abs=1e-8)


def test_r_keeps_its_digits_in_float32_for_small_and_for_large_arguments():
    x = torch.tensor([1e-10, 1e-4, 1e10, 1e25])
    assert pseudo_huber(x).tolist() == pytest.approx([5e-21, 5e-9, 1e10, 1e25], rel=1e-6)
    assert torch.func.vmap(torch.func.grad(pseudo_huber))(x).tolist() == pytest.approx([1e-10, 1e-4, 1, 1], rel=1e-6)


def test_sigma_1_gives_the_worked_value_and_weights():
    worked = [-0.0485071248, -0.0296680906, 0.0099875234, 0.12, 0.195709957]
    assert close(at(softad(), theta=0.25), (0.8294670013, worked))


def test_sigma_a_tenth_gives_the_worked_value_and_the_slopes_of_the_formula():
    seen = at(softad(), theta=0.25, sigma=0.1)
    assert close(seen.value, 0.1113805803)
    gaps = [(loss - 0.25) / 0.1 for loss in (1e-9, 0.1, 0.3, 1, 5)]
    assert close(seen.slopes, [0.1 / 5 * gap / math.sqrt(1 + gap**2) for gap in gaps])


def test_a_wide_sigma_is_half_the_squared_distance_to_theta():
    seen = at(softad(), (0.0, 1.0), theta=0.25, sigma=100.0)
    assert seen.value == pytest.approx((0.25**2 + 0.75**2) / 4, rel=1e-4)


def test_theta_below_all_losses_has_all_descend_and_above_all_has_all_ascend():
    losses = (0.5, 1.0, 2.0)
    assert all(slope > 0 for slope in at(softad(), losses, theta=0.4).slopes)
    assert all(slope < 0 for slope in at(softad(), losses, theta=2.1).slopes)
    assert watched(softad(), losses, theta=0.4) == {"ascending": 0}
    assert watched(softad(), losses, theta=2.1) == {"ascending": pytest.approx(1)}


def test_the_share_in_ascent_is_the_weight_of_the_losses_below_theta():
    assert watched(softad(), theta=0.25) == {"ascending": pytest.approx(0.4)}
    assert watched(softad(), weights=(0.1, 0.2, 0.3, 0.2, 0.2), theta=0.25) == {"ascending": pytest.approx(0.3)}
