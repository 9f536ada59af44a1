"""Tilted risk."""

import numpy as np
import pytest
import torch

from tests.trainables.criterion.worked import FIVE, at, close, hyper, losses, risk_of
from trainables.criterion.mean import mean
from trainables.criterion.tilted import tilted


def test_tilt_1_gives_the_worked_value_with_softmax_weights():
    weights = np.exp(FIVE) / np.exp(FIVE).sum()
    assert close(at(tilted(), tilt=1.0), (3.431315708, weights.tolist()))


@pytest.mark.parametrize("tilt", [0.01, 0.3, 5.0])
def test_it_is_the_logarithm_of_the_mean_exponential(tilt):
    weights = np.array([0.1, 0.3, 0.2, 0.3, 0.1])
    seen = at(tilted(), weights=weights, tilt=tilt)
    raised = weights * np.exp(tilt * np.array(FIVE))
    assert close(seen, (np.log(raised.sum()) / tilt, (raised / raised.sum()).tolist()))


@pytest.mark.parametrize("tilt", [0.0, 1e-15, 1e-9, 1e-6])
def test_as_the_tilt_goes_to_0_it_is_the_mean(tilt):
    seen, plain = at(tilted(), tilt=tilt), at(mean())
    assert seen.value == pytest.approx(plain.value, abs=1e-5)
    assert seen.slopes == pytest.approx(plain.slopes, abs=1e-5)


def test_near_0_it_exceeds_the_mean_by_half_the_tilt_times_the_variance():
    tilt = 1e-7
    rise = at(tilted(), tilt=tilt).value - np.mean(FIVE)
    assert rise == pytest.approx(tilt * np.var(FIVE) / 2, rel=1e-4)


def test_a_large_tilt_is_the_largest_loss():
    assert close(at(tilted(), tilt=1000.0), (5 - np.log(5) / 1000, [0, 0, 0, 0, 1]))


def test_losses_that_tie_at_the_top_share_the_weight():
    assert close(at(tilted(), (0.0, 2.0, 2.0), tilt=1000.0).slopes, [0, 0.5, 0.5])


def test_a_largest_loss_of_next_to_no_weight_stays_finite_in_float32():
    criterion = tilted()
    numbers = hyper(criterion, {"tilt": 5.0}, torch.float32)
    seen = risk_of(criterion, {}, numbers, losses((0.0, 1e4), (1.0, 1e-9), torch.float32))
    assert 9e3 < seen["value"].item() <= 1e4
    assert seen["slopes"].isfinite().all()
