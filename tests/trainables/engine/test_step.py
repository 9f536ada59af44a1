"""The order in which a method's functions take turns."""

from trainables import methods
from trainables.engine.step import phase
from trainables.perturbation.looksam import look, looksam, reuse


def test_the_first_step_looks_and_each_turn_has_its_own_functions():
    method = methods.make(methods.PRESETS["looksam"])._replace(perturbation=looksam(every=3))
    assert [phase(method, turn)[0] for turn in range(5)] == [look, reuse, reuse, look, reuse]
    assert [phase(method, turn)[1] for turn in range(3)] == list(method.perturbation.adapts)
