"""Costs are counted, not quoted."""

import pytest

from trainables import methods
from trainables.cost import cost, write_untrained_mixer


@pytest.mark.parametrize(
    ("name", "passes"),
    [("erm", 1), ("mixup", 1), ("sam", 2), ("asam", 2), ("softad", 1), ("looksam", 1.2), ("synermix", 2), ("bg-mix", 3), ("lets-sam", 4)],
)
def test_passes_are_those_of_the_paper(name, passes):
    found = cost(methods.make(methods.PRESETS[name]))
    assert found.forward == pytest.approx(passes)
    assert found.backward == pytest.approx(passes)
    assert found.work == pytest.approx(passes, rel=0.01)


def test_passes_without_a_derivative_are_told_apart():
    found = cost(methods.make(methods.PRESETS["samix"]))
    assert (found.forward, found.backward) == (5, 3)  # k's two looks for maps have none


def test_a_frozen_mixer_costs_the_classifier_s_two_passes_and_a_look_for_maps(tmp_path):
    write_untrained_mixer(str(tmp_path / "mixer.npz"))
    found = cost(methods.make(methods.PRESETS["samix-p"], mixer=str(tmp_path / "mixer.npz")))
    assert (found.forward, found.backward) == (3, 2)
