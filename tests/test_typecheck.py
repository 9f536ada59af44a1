import pytest
from beartype.roar import BeartypeCallHintParamViolation

from trainables import draws, knob


def test_annotations_in_trainables_are_checked_at_run_time():
    with pytest.raises(BeartypeCallHintParamViolation):
        draws.stream("0", "weights")  # pyright: ignore[reportArgumentType]


def test_an_int_stands_for_a_float():
    assert knob.Knob("rho", 0, 2, default=1, source="ours").high == 2
