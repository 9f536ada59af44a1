"""Where a knob of a perturbation is at an end, whole steps are those of a plainer method, to the last bit."""

import pytest
import torch

from tests.contract.small import gap, numbers, setting, trained
from tests.trainables.perturbation.problems import gradient, linear, mixed_linear
from tests.trainables.perturbation.problems import numbers as tensors
from trainables import methods, tree
from trainables.axes import Method
from trainables.engine.loop import Row
from trainables.methods import Axes
from trainables.perturbation.named import esam
from trainables.perturbation.unperturbed import unperturbed

STEPPED = ("sam", "asam", "lets-sam", "lets-asam", "bg-mix", "dg-mix", "esam", "looksam")


@pytest.mark.parametrize("name", STEPPED)
def test_with_radius_zero_and_all_examples_sensitive_two_epochs_are_plain_ones_to_the_last_bit(name):
    method = methods.make(Axes("mixup", name))
    ends = {"rho": 0.0, **({"gamma": 1.0} if "gamma" in {knob.name for knob in method.knobs} else {})}
    flat = trained(setting(method), [Row(0, 0, numbers(method) | ends)])
    plain = Method(method.mixing, unperturbed()._replace(needs=method.perturbation.needs - {"mixing"}), method.criterion)
    assert gap(flat.group.model, trained(setting(plain), [Row(0, 0, numbers(plain))]).group.model) == 0


def test_with_no_example_sensitive_esam_stands_still():
    recipe = {"perturbed_tensors": torch.tensor([True])}
    found = gradient(esam(), tensors(rho=0.5, gamma=0.0, perturbed_share=1.0), mixed_linear(), linear(), recipe=recipe)
    assert tree.norm(found.value) == 0
