"""Loss concentration, its automatic form, and the penalty that blends it with its transform."""

import math

import numpy as np
import pytest
import torch

from tests.trainables.criterion.worked import FIVE, adapted, at, close, watched
from trainables.criterion.chi2 import chi2_dro
from trainables.criterion.concentration import CONCENTRATION_LEVEL, _transform, auto_concentration, concentration
from trainables.criterion.cvar import cvar
from trainables.criterion.family import batch, compose, pointwise
from trainables.criterion.flooding import FLOOD, flooding
from trainables.criterion.mean import identity, mean
from trainables.criterion.softad import pseudo_huber, softad
from trainables.criterion.threshold import STEP
from trainables.criterion.tilted import tilted

WORKED = {"level": 0.5, "concentration_level": 0.2}
PLAIN = {"identity": mean, "cvar": cvar, "chi2": chi2_dro, "tilted": tilted}


def r(x):
    return np.hypot(1, x) - 1


def slope(x):
    return x / np.hypot(1, x)


def test_the_batch_form_with_the_threshold_at_0_gives_the_worked_value_and_weights():
    assert close(at(concentration("batch"), **WORKED), (1.7631230953, [0.3683006883] * 5))


def test_the_pointwise_form_with_the_threshold_at_0_gives_the_worked_value_and_weights():
    worked = [-0.0784464533, 0, 0.1485562705, 0.3496629104, 0.397933657]
    assert close(at(concentration("pointwise"), **WORKED), (2.0013702354, worked))
    assert close(at(concentration(), **WORKED), (2.0013702354, worked))


def test_the_automatic_batch_form_gives_the_worked_value_and_weights():
    assert close(at(auto_concentration("batch"), **WORKED), (1.6713559031, [0, 0, 0.1828955512, 0.3657911023, 0.3657911023]))


def test_the_automatic_pointwise_form_sends_the_thresholds_slope_to_the_quantile():
    each = 0.3 + 2 * np.maximum(np.array(FIVE) - 0.3, 0)
    force = slope(each - 0.2) / 5
    own = 2 * force * (each > 0.3)
    own[2] += np.sum(force) - np.sum(own)  # dL_i / dtheta is 1 below the threshold and 1 - 1 / (1 - level) above
    assert close(at(auto_concentration(), **WORKED), (np.mean(r(each - 0.2)), own.tolist()))


def test_the_pointwise_identity_is_softad_of_sigma_1():
    ours = at(concentration("pointwise", "identity"), concentration_level=0.25)
    assert close(ours, at(softad(), theta=0.25, sigma=1.0))


def test_the_batch_form_with_the_absolute_value_in_place_of_r_is_flooding():
    made = compose(identity(), batch(torch.abs, FLOOD))
    for flood in (0.25, 2.0):
        assert at(made, flood=flood) == at(flooding(), flood=flood)


def test_the_batch_identity_bends_the_mean_around_the_level():
    assert close(at(concentration("batch", "identity"), concentration_level=0.2), (r(1.08 + 2e-10) + 0.2, [slope(1.08 + 2e-10) / 5] * 5))


def test_chi2_pointwise_scales_each_loss_above_the_threshold_as_the_released_code_does():
    each = math.sqrt(3) * np.array(FIVE)
    worked = (np.mean(r(each - 0.2)), (math.sqrt(3) * slope(each - 0.2) / 5).tolist())
    assert close(at(concentration("pointwise", "chi2"), chi2_radius=1.0, concentration_level=0.2), worked)


def test_chi2_batch_bends_the_root_mean_square():
    whole = math.sqrt(3 * np.mean(np.square(FIVE)))
    assert close(at(concentration("batch", "chi2"), chi2_radius=1.0, concentration_level=0.2).value, r(whole - 0.2) + 0.2)


def test_tilted_pointwise_concentrates_losses_whose_mean_is_the_tilted_risk():
    risk = np.log(np.mean(np.exp(FIVE)))
    each = risk + np.exp(np.array(FIVE) - risk) - 1
    assert np.mean(each) == pytest.approx(risk)
    assert close(at(concentration("pointwise", "tilted"), tilt=1.0, concentration_level=0.2).value, np.mean(r(each - 0.2)))


@pytest.mark.parametrize("aggregate", ["pointwise", "batch"])
@pytest.mark.parametrize("transform", PLAIN)
def test_penalty_0_is_the_transform_alone(aggregate, transform):
    blended = at(auto_concentration(aggregate, transform), penalty=0.0, concentration_level=0.2)
    assert close(blended, at(PLAIN[transform]()))


@pytest.mark.parametrize("aggregate", ["pointwise", "batch"])
@pytest.mark.parametrize("transform", PLAIN)
def test_between_its_ends_the_penalty_blends_value_and_slopes(aggregate, transform):
    criterion = auto_concentration(aggregate, transform)
    plain, full, blended = (at(criterion, penalty=penalty) for penalty in (0.0, 1.0, 0.3))
    assert blended.value == pytest.approx(0.7 * plain.value + 0.3 * full.value)
    assert blended.slopes == pytest.approx([0.7 * a + 0.3 * b for a, b in zip(plain.slopes, full.slopes, strict=True)])


def test_penalty_1_is_the_default():
    assert at(concentration(), **WORKED) == at(concentration(), **WORKED, penalty=1.0)


@pytest.mark.parametrize("aggregate", ["pointwise", "batch"])
@pytest.mark.parametrize("transform", PLAIN)
def test_penalty_1_is_the_concentration_alone(aggregate, transform):
    made = _transform(transform, "quantile")
    alone = {"pointwise": pointwise, "batch": batch}[aggregate](pseudo_huber, CONCENTRATION_LEVEL)
    blended = at(auto_concentration(aggregate, transform), penalty=1.0, concentration_level=0.2)
    assert close(blended, at(compose(made, alone), concentration_level=0.2))


@pytest.mark.parametrize("aggregate", ["pointwise", "batch"])
def test_level_0_concentrates_the_losses_as_they_are(aggregate):
    assert close(at(auto_concentration(aggregate, "cvar"), level=0.0), at(auto_concentration(aggregate, "identity")))


def test_the_automatic_form_is_the_quantile_threshold():
    assert at(auto_concentration()) == at(concentration(threshold="quantile"))
    assert watched(auto_concentration())["threshold"] == 0.3


def test_a_learned_threshold_begins_as_the_fixed_one_and_steps_down_the_concentrated_slope():
    learned = concentration("batch", "cvar", "learned")
    assert at(learned, **WORKED) == at(concentration("batch"), **WORKED)
    force = slope(2.56 + 4e-10 - 0.2)
    assert adapted(learned, **WORKED, threshold_step=0.01) == pytest.approx(-0.01 * force * (1 - 2))
    assert adapted(learned, **WORKED, threshold_step=0.01, penalty=0.25) == pytest.approx(0.01 * (0.75 + 0.25 * force))
    assert STEP in learned.knobs
    assert STEP not in concentration("batch").knobs


def test_the_share_in_ascent_is_what_lies_below_the_level_after_the_transform():
    below = {"ascending": pytest.approx(0.2)}  # 2 * .1 is the level itself: it stays
    assert watched(concentration(), **WORKED) == below
    assert watched(concentration("batch"), level=0.5, concentration_level=3.0) == {"ascending": pytest.approx(1)}
    assert watched(concentration("batch"), level=0.5, concentration_level=3.0, penalty=0.3) == {"ascending": 0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"aggregate": "mean"}, r"aggregate must be one of \['batch', 'pointwise'\], got 'mean'"),
        ({"transform": "chi"}, r"transform must be one of \['chi2', 'cvar', 'identity', 'tilted'\], got 'chi'"),
        ({"threshold": "median"}, r"threshold must be one of \['fixed', 'learned', 'quantile'\], got 'median'"),
        ({"transform": "tilted", "threshold": "learned"}, "'tilted' has no threshold .* fixed or quantile, got 'learned'"),
    ],
)
def test_options_of_other_values_are_refused_with_those_there_are(options, message):
    with pytest.raises(ValueError, match=message):
        concentration(**options)
