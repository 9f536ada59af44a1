import math

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from search.domain import Domain, Refusals
from search.space import space
from trainables import methods
from trainables.knob import Knob
from trainables.methods import PRESETS, Axes

ALPHA = Knob("alpha", search=(0.1, 4.0), default=1.0, legal=(0.0, 10.0), log=True)
EVERY = Knob("every", search=(0.0, 0.0), default=2.0, legal=(1.0, 10.0), choices=(1.0, 2.0, 5.0))


def made(name, given, training=None):
    refused = Refusals()
    found = space(name, given, training or {}, refused)
    assert refused == {}
    return found


def refusals(name, given, training=None):
    refused = Refusals()
    space(name, given, training or {}, refused)
    return dict(refused)


def test_a_knob_that_is_not_named_is_searched_over_its_own_range():
    found = made("mixup", {})
    knob = found.domains["alpha"].knob
    assert found.distributions == {"alpha": FloatDistribution(*knob.search, log=knob.log)}


def test_a_pair_is_a_range_and_a_number_or_a_list_of_one_fixes():
    assert made("mixup", {"alpha": [0.2, 2]}).distributions == {"alpha": FloatDistribution(0.2, 2.0, log=True)}
    for given in (0.3, [0.3]):
        found = made("mixup", {"alpha": given})
        assert found.distributions == {}
        assert found.numbers({})["alpha"] == 0.3


def test_training_numbers_are_fixed_until_a_range_makes_them_a_knob_of_the_method():
    assert "lr" not in made("mixup", {}, {"lr": 0.2}).distributions
    assert made("mixup", {}, {"lr": 0.2}).numbers({"alpha": 1.0})["lr"] == 0.2
    assert set(made("mixup", {}, {"lr": [0.1, 0.5]}).distributions) == {"alpha", "lr"}
    assert made("mixup", {"lr": 0.3}, {"lr": [0.1, 0.5]}).numbers({"alpha": 1.0})["lr"] == 0.3


def test_every_number_of_a_configuration_is_there():
    found = made("g-mix", {"rho": 0.1})
    assert found.numbers({"alpha": 0.7}) == {"alpha": 0.7, "rho": 0.1, "lr": 0.1, "weight_decay": 5e-4, "label_smoothing": 0.0}


def test_a_combination_of_ones_own_has_the_knobs_of_its_axes():
    found = made("mine", {"mixing": "mixup", "criterion": "softad"})
    assert found.axes == Axes(mixing="mixup", criterion="softad")
    assert set(found.distributions) == {"alpha", "theta", "sigma"}


def test_a_method_without_a_searched_knob_is_one_configuration():
    assert made("erm", {}).points == 1
    assert made("mixup", {}).points == math.inf


def test_choices_are_a_categorical_distribution_and_are_counted():
    domain = Domain(EVERY, 1.0, 5.0, (1.0, 5.0))
    assert domain.distribution == CategoricalDistribution((1.0, 5.0))
    assert 5.0 in domain
    assert 2.0 not in domain


@pytest.mark.parametrize("name", PRESETS)
def test_the_plain_form_gives_the_same_space_again(name):
    found = made(name, {"mixer": "given.npz"} if "mixer" in methods.make(PRESETS[name]).needs else {})
    assert made(name, found.plain()) == found


@pytest.mark.parametrize(
    ("name", "given", "key", "words"),
    [
        ("mixup", {"alpah": 1}, "alpah", ["did you mean alpha?"]),
        ("mixup", {"alpha": [4, 0.05]}, "alpha", ["from low to high", "[4, 0.05]"]),
        ("mixup", {"alpha": [0, 1]}, "alpha", ["log scale", "above 0"]),
        ("mixup", {"alpha": -1}, "alpha", ["must lie in [0, 100]", "got -1"]),
        ("mixup", {"alpha": [1, 2, 3]}, "alpha", ["a pair", "[1, 2, 3]"]),
        ("mixup", {"alpha": []}, "alpha", ["got []"]),
        ("mixup", {"alpha": "much"}, "alpha", ["finite number", "'much'"]),
        ("mixup", {"alpha": True}, "alpha", ["finite number", "True"]),
        ("mixpu", {}, "", ["did you mean mixup?"]),
        ("mine", {"mixing": "mixpu"}, "mixing", ["did you mean mixup?"]),
        ("sam", {"mixing": "mixup"}, "mixing", ["of sam is none", "a name of its own"]),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(name, given, key, words):
    found = refusals(name, given)
    assert list(found) == [key]
    for word in words:
        assert word in found[key]


def test_every_fault_of_a_method_is_found_at_once():
    assert set(refusals("g-mix", {"alpha": [3, 1], "rho": -1, "roh": 2})) == {"alpha", "rho", "roh"}
