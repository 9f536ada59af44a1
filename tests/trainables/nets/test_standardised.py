"""Batch norm written out is torch's batch norm: value, first and second gradient, running statistics."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, vmap

from trainables.draws import stream
from trainables.nets.norms import BatchNorm1d
from trainables.nets.standardised import Standardised, moments

MEMBERS, BATCH, UNITS = 3, 7, 4


def drawn(*shape):
    return torch.from_numpy(stream(0, "standardised", len(shape)).standard_normal(shape))


def both():
    """Ours and torch's, with the same weights."""
    ours, theirs = BatchNorm1d(UNITS).double(), nn.BatchNorm1d(UNITS).double()
    for layer in (ours, theirs):
        with torch.no_grad():
            layer.weight.copy_(drawn(UNITS))
            layer.bias.copy_(drawn(2, UNITS)[1])
    return ours, theirs


def test_moments_are_numpys():
    x = drawn(BATCH, UNITS)
    mean, var = moments(x)
    np.testing.assert_allclose(mean, x.numpy().mean(0), rtol=1e-13)
    np.testing.assert_allclose(var, x.numpy().var(0), rtol=1e-13)


def test_values_and_running_statistics_are_torchs():
    ours, theirs = both()
    for _ in range(3):
        x = drawn(BATCH, UNITS) + 2
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-12, atol=1e-12)
    for name, buffer in theirs.named_buffers():
        torch.testing.assert_close(dict(ours.named_buffers())[name], buffer, rtol=1e-12, atol=0)
    ours.eval(), theirs.eval()
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-12, atol=1e-12)


def test_gradients_are_those_of_differences():
    x, weight, bias = (tensor.requires_grad_() for tensor in (drawn(BATCH, UNITS), drawn(UNITS), drawn(1, UNITS)[0]))
    assert torch.autograd.gradcheck(lambda *given: Standardised.apply(*given, 1e-5), (x, weight, bias))
    assert torch.autograd.gradgradcheck(lambda *given: Standardised.apply(*given, 1e-5), (x, weight, bias))


def loss(layer, weights, buffers, x):
    return (functional_call(layer, (weights, {name: buffer.clone() for name, buffer in buffers.items()}), (x,)) ** 3).sum()


def curvature(layer):
    """The gradient of the squared length of the gradient, by weights and inputs."""

    def squared_length(weights, buffers, x):
        found = grad(lambda at: loss(layer, at, buffers, x))(weights)
        return sum((slope**2).sum() for slope in found.values())

    return grad(squared_length, argnums=(0, 2))


@pytest.mark.parametrize("of", [lambda layer: grad(lambda *given: loss(layer, *given), argnums=(0, 2)), curvature], ids=["first", "second"])
def test_mapped_over_members_its_gradients_are_torchs(of):
    ours, theirs = both()
    weights = {name: leaf.detach() * drawn(MEMBERS, 1) for name, leaf in ours.named_parameters()}
    buffers = {name: torch.stack([buffer] * MEMBERS) for name, buffer in ours.named_buffers()}
    found, expected = (vmap(of(layer))(weights, buffers, drawn(MEMBERS, BATCH, UNITS)) for layer in (ours, theirs))
    for name, leaf in expected[0].items():
        torch.testing.assert_close(found[0][name], leaf, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(found[1], expected[1], rtol=1e-8, atol=1e-8)


def test_one_example_is_refused_as_torch_refuses_it():
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        BatchNorm1d(UNITS)(torch.zeros(1, UNITS))
