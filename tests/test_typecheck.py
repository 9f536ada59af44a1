import pytest
from jaxtyping import TypeCheckError

from trainables import draws, knob


def test_annotations_in_trainables_are_checked_at_run_time():
    with pytest.raises(TypeCheckError):
        draws.stream("0", "weights")


def test_an_int_stands_for_a_float():
    rho = knob.Knob("rho", search=(0.01, 0.5), default=0.05, legal=(0.0, 2.0))
    assert rho.check(2) == 2.0
