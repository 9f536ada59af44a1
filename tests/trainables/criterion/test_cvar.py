"""CVaR and the batch quantile."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.trainables.criterion.worked import FIVE, adapted, at, close, losses, watched
from trainables.criterion.cvar import cvar, lower_quantile
from trainables.criterion.mean import mean


def quantile(values, level, weights=None):
    return lower_quantile(losses(values, weights), torch.tensor(level, dtype=torch.float64)).item()


def test_level_one_half_gives_the_worked_value_and_weights():
    assert close(at(cvar(), level=0.5), (2.46, [0, 0, 0.2, 0.4, 0.4]))
    assert watched(cvar(), level=0.5) == {"threshold": 0.3}


def test_level_0_is_the_mean():
    assert close(at(cvar(), level=0.0), at(mean()))


def test_near_level_1_it_is_the_largest_loss():
    assert close(at(cvar(), level=0.95), (5, [0, 0, 0, 0, 1]))


@pytest.mark.parametrize("level", [0.0, 0.1, 0.2, 0.25, 0.5, 0.6, 0.75, 0.9])
def test_it_is_the_mean_of_the_worst_part_with_the_quantile_counted_by_its_share(level):
    values = np.array([3.0, 0.2, 1.5, 0.7, 2.2, 0.9, 0.1, 4.0, 1.1, 0.4])
    part = np.minimum(np.maximum((1 - level) * 10 - np.arange(10), 0), 1)  # how much of each of the worst counts
    assert at(cvar(), values, level=level).value == pytest.approx(np.sort(values)[::-1] @ part / part.sum(), rel=1e-9)


@given(st.lists(st.floats(0, 20), min_size=1, max_size=30), st.floats(0, 0.999))
def test_the_quantile_is_numpys_inverted_distribution_function(values, level):
    assume(abs(level * len(values) - round(level * len(values))) > 1e-3)
    assert quantile(values, level) == np.quantile(values, level, method="inverted_cdf")


def test_at_a_step_of_the_distribution_the_quantile_is_the_lower_loss_in_float32_too():
    for count in (3, 10, 60, 100, 128, 1000):
        seen = losses(range(count), dtype=torch.float32)
        for below in range(1, count, max(1, count // 20)):
            assert lower_quantile(seen, torch.tensor(below / count)).item() == below - 1


def test_the_quantile_counts_weights_not_examples():
    values, weights = (4.0, 1.0, 3.0, 2.0), (0.1, 0.7, 0.1, 0.1)
    assert [quantile(values, level, weights) for level in (0.0, 0.69, 0.71, 0.85, 0.95)] == [1, 1, 2, 3, 4]


def test_a_loss_without_weight_is_no_quantile():
    assert quantile((0.0, 1.0, 2.0, 9.0), 0.0, (0.0, 0.5, 0.5, 0.0)) == 1
    assert quantile((0.0, 1.0, 2.0, 9.0), 0.999, (0.0, 0.5, 0.5, 0.0)) == 2


def test_losses_that_tie_at_the_quantile_share_its_slope():
    assert close(at(cvar(), (1.0, 1.0, 1.0, 3.0), level=0.5), (2, [1 / 6, 1 / 6, 1 / 6, 1 / 2]))


def test_a_fixed_cutoff_below_all_losses_scales_the_mean_and_above_all_stops_learning():
    below = at(cvar("fixed"), (1.0, 2.0, 6.0), level=0.5, cutoff=0.5)
    assert close(below, (0.5 + 2 * (3 - 0.5), [2 / 3] * 3))
    above = at(cvar("fixed"), (1.0, 2.0, 6.0), level=0.5, cutoff=7.0)
    assert close(above, (7, [0, 0, 0]))


def test_a_fixed_cutoff_weighs_what_lies_above_it():
    assert close(at(cvar("fixed"), FIVE, level=0.5, cutoff=0.3), (0.3 + (0.7 + 4.7) / 2.5, [0, 0, 0, 0.4, 0.4]))
    assert watched(cvar("fixed")) == {}


def test_a_learned_threshold_gives_the_risk_at_its_state():
    assert close(at(cvar("learned"), FIVE, threshold=0.3, level=0.5), (2.46, [0, 0, 0, 0.4, 0.4]))


def test_a_learned_threshold_steps_down_the_slope_of_the_risk():
    step = {"level": 0.5, "threshold_step": 0.01}
    assert adapted(cvar("learned"), threshold=0.0, **step) == pytest.approx(0.0 - 0.01 * (1 - 1 / 0.5))
    assert adapted(cvar("learned"), threshold=0.5, **step) == pytest.approx(0.5 - 0.01 * (1 - 0.4 / 0.5))
    assert adapted(cvar("learned"), threshold=6.0, **step) == pytest.approx(6.0 - 0.01)
    assert adapted(cvar("learned"), threshold=0.5, level=0.5, threshold_step=0.0) == 0.5


def test_a_learned_threshold_finds_the_quantile():
    threshold, values = 0.0, np.linspace(0, 2, 101)
    for _ in range(50):
        threshold = adapted(cvar("learned"), values, threshold, level=0.7, threshold_step=0.1)
    assert threshold == pytest.approx(1.4, abs=0.1)
    assert watched(cvar("learned")) == {"threshold": 0}


def test_a_threshold_of_another_name_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"threshold must be one of \['fixed', 'learned', 'quantile'\], got 'median'"):
        cvar("median")
