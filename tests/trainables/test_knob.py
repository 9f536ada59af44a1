"""A knob refuses what has no meaning and says what would have."""

import pytest

from trainables.knob import Knob

RHO = Knob("rho", search=(0.005, 0.5), default=0.05, legal=(0.0, 2.0), log=True)
CURVE = Knob("curve", search=(0, 1), default=0.25, legal=(-1.0, 1.0), choices=(-1.0, 0.25, 1.0))


def test_legal_numbers_come_back_as_floats():
    assert RHO.check(1) == 1.0
    assert isinstance(RHO.check(1), float)
    assert CURVE.check(0.25) == 0.25


@pytest.mark.parametrize("value", [-0.1, 2.1, float("nan"), float("inf"), "0.1", True, None])
def test_an_illegal_number_is_refused_by_name_range_and_value(value):
    with pytest.raises(ValueError, match="rho must") as caught:
        RHO.check(value)
    assert str(value) in str(caught.value)


def test_a_choice_must_be_one_of_those_listed():
    with pytest.raises(ValueError, match=r"one of \{-1, 0.25, 1\}, got 0.5"):
        CURVE.check(0.5)


@pytest.mark.parametrize(
    ("ends", "said"),
    [((0.5, 0.1), "low to high"), ((0.1, 0.1), "low to high"), ((0.0, 0.1), "above 0"), ((0.1, 3.0), "0, 2")],
)
def test_a_range_must_be_ordered_legal_and_positive_on_a_log_scale(ends, said):
    with pytest.raises(ValueError, match=said):
        RHO.check_range(*ends)


def test_a_knob_of_choices_takes_no_range():
    with pytest.raises(ValueError, match="list of values"):
        CURVE.check_range(-1, 1)
