import functools

import numpy as np
import pytest
import torch
from torch import nn

from trainables import methods, tree
from trainables.draws import stream
from trainables.engine.asking import mapped
from trainables.engine.diagnostics import diagnose
from trainables.engine.group import stack, start
from trainables.nets.staged import Staged, functional
from trainables.optimizer import sgd

X = stream(0, "x").normal(size=(7, 3))
Y = stream(0, "y").integers(0, 2, 7)
METHOD = methods.make(methods.PRESETS["g-mix"])


@functools.cache
def net():
    """Batch norm and a linear head: in evaluation mode a linear classifier of the normalised inputs."""
    return functional(lambda: Staged([nn.BatchNorm1d(3)], nn.Identity(), nn.Linear(3, 2)), (3,))


def member(seed):
    hyper = {"rho": torch.tensor(0.3, dtype=torch.float64), "alpha": torch.tensor(1.0, dtype=torch.float64)}
    begun = start(METHOD, net(), sgd(), seed, hyper)
    params = {name: torch.from_numpy(stream(seed, name).normal(size=tuple(leaf.shape))) for name, leaf in begun.model.params.items()}
    buffers = begun.model.buffers | {"stages.0.running_mean": torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)}
    return begun._replace(model=begun.model._replace(params=params, buffers=buffers))


def loss(weights):
    """Mean cross-entropy in numpy: running mean as set above, running variance 1."""
    scale, shift, head, bias = (weights[name] for name in ("stages.0.weight", "stages.0.bias", "head.weight", "head.bias"))
    normal = (X - np.array([0.3, -1.0, 2.0])) / np.sqrt(1 + 1e-5)
    logits = (normal * scale + shift) @ head.T + bias
    return np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(7), Y])


def slope(weights, width=1e-6):
    """Its gradient by central differences."""
    found = {}
    for name, value in weights.items():
        found[name] = np.zeros_like(value)
        for place in np.ndindex(value.shape):
            up, down = value.copy(), value.copy()
            up[place] += width
            down[place] -= width
            found[name][place] = (loss(weights | {name: up}) - loss(weights | {name: down})) / (2 * width)
    return found


def as_numpy(one):
    return {name: leaf.numpy() for name, leaf in one.model.params.items()}


def diagnosed(members, chunk=None):
    return diagnose(METHOD, net(), stack(members), torch.from_numpy(X), torch.from_numpy(Y), mapped(chunk))


def test_sharpness_is_the_rise_of_plain_loss_over_the_common_radius_in_evaluation_mode():
    members = [member(1), member(2)]
    found = diagnosed(members)["sharpness_common"]
    for row, one in enumerate(members):
        weights, slopes = as_numpy(one), slope(as_numpy(one))
        length = np.sqrt(sum((value**2).sum() for value in slopes.values()))
        there = {name: value + 0.05 * slopes[name] / length for name, value in weights.items()}
        assert found[row].item() == pytest.approx(loss(there) - loss(weights), rel=1e-6)


def test_the_weight_norm_is_joint_over_tensors():
    members = [member(1), member(2)]
    found = diagnosed(members)["weight_norm"]
    for row, one in enumerate(members):
        assert found[row].item() == pytest.approx(np.sqrt(sum((value**2).sum() for value in as_numpy(one).values())), rel=1e-12)


def test_chunks_do_not_matter_and_the_members_stay_as_they_are():
    members = [member(seed) for seed in range(3)]
    group = stack(members)
    whole, parts = diagnosed(members), diagnosed(members, chunk=2)
    for name in whole:
        assert torch.allclose(whole[name], parts[name], rtol=1e-12, atol=0)
    for (_, before), (_, after) in zip(tree.leaves(group), tree.leaves(stack(members)), strict=True):
        assert torch.equal(before, after)


def test_a_diverged_member_has_no_figures_and_spoils_none():
    broken = member(2)
    broken = broken._replace(model=broken.model._replace(params=tree.scale(broken.model.params, float("nan"))))
    alone, beside = diagnosed([member(1)]), diagnosed([member(1), broken])
    assert beside["sharpness_common"][1].isnan()
    assert beside["sharpness_common"][0].item() == pytest.approx(alone["sharpness_common"][0].item(), rel=1e-12)
