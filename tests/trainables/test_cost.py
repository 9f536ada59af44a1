"""Costs are counted, not quoted."""

import pytest

from trainables import methods
from trainables.cost import cost


@pytest.mark.parametrize(("name", "forward"), [("erm", 1), ("mixup", 1), ("sam", 2), ("asam", 2), ("softad", 1), ("looksam", 1.2)])
def test_passes_forward_are_those_of_the_paper(name, forward):
    found = cost(methods.make(methods.PRESETS[name]))
    assert found.forward == pytest.approx(forward)
    assert found.work == pytest.approx(forward, rel=0.01)
