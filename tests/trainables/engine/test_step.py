"""The order in which a method's functions take turns, and whether what they made of a member is finite."""

import pytest
import torch

from tests.contract.small import preset, rows, setting, trained
from trainables import methods, tree
from trainables.engine.group import finite
from trainables.engine.step import phase
from trainables.perturbation.looksam import look, looksam, reuse


def test_the_first_step_looks_and_each_turn_has_its_own_functions():
    method = methods.make(methods.PRESETS["looksam"])._replace(perturbation=looksam(every=3))
    assert [phase(method, turn)[0] for turn in range(5)] == [look, reuse, reuse, look, reuse]
    assert [phase(method, turn)[1] for turn in range(3)] == list(method.perturbation.adapts)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_member_with_a_weight_that_is_no_number_is_not_finite_and_others_are(value):
    group = trained(setting(preset("erm"), on="mlp", dtype=torch.float32), rows(preset("erm"), 1, 3), epochs=0).group
    for _, leaf in tree.leaves(group.model.params):
        leaf[0] = torch.finfo(leaf.dtype).max
        assert finite(group).all()
        leaf[1].view(-1)[-1] = value
        assert finite(group).tolist() == [True, False, True]
        leaf[1] = 1
