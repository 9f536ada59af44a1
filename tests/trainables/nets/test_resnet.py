"""Residual networks: their published sizes, their shapes, and their blocks against functional torch written out."""

import pytest
import torch
from torch.nn import functional

from trainables.axes import keep
from trainables.draws import stream, streams
from trainables.nets import build
from trainables.nets.resnet import Block, WideBlock, resnet18, wide_resnet


def count(module) -> int:
    return sum(leaf.numel() for leaf in module.parameters())


def on_meta(make, *arguments, **options):
    with torch.device("meta"):
        return make(*arguments, **options)


def test_resnet18_has_its_published_size():
    assert count(on_meta(resnet18, (3, 32, 32), 10)) == 11_173_962


@pytest.mark.parametrize(
    ("depth", "width", "parameters"), [(28, 10, 36_479_194), (40, 4, 8_949_210), (16, 8, 10_961_370), (40, 2, 2_243_546)]
)
def test_wide_residual_networks_have_their_published_sizes(depth, width, parameters):
    assert count(on_meta(wide_resnet, (3, 32, 32), 10, depth=depth, width=width)) == parameters


def test_group_norm_has_as_many_parameters_as_batch_norm_and_no_buffers():
    net = on_meta(resnet18, (3, 32, 32), 10, norm="group")
    assert count(net) == 11_173_962
    assert list(net.buffers()) == []


@pytest.mark.parametrize(
    ("name", "options", "hidden"),
    [
        ("resnet18", {"width": 2}, ((3, 16, 16), (2, 16, 16), (4, 8, 8), (8, 4, 4), (16, 2, 2))),
        ("wide-resnet", {"depth": 10, "width": 1}, ((3, 16, 16), (16, 16, 16), (32, 8, 8), (64, 4, 4))),
    ],
)
def test_stages_halve_the_map_and_double_the_channels(name, options, hidden):
    net = build(name, (3, 16, 16), 7, **options)
    assert net.hidden == hidden
    assert net.spatial
    assert (net.stages, net.classes, net.width) == (len(hidden) - 1, 7, hidden[-1][0])


def convolved(x, module):
    return functional.conv2d(x, module.weight, module.bias, stride=module.stride, padding=module.padding)


@pytest.mark.parametrize(("leaving", "stride"), [(4, 1), (6, 1), (8, 2)])
def test_a_block_is_what_the_paper_draws(leaving, stride):
    block = Block(4, leaving, stride, "none").double()
    x = torch.from_numpy(stream(0, "maps").normal(size=(2, 4, 6, 6)))
    inner = convolved(convolved(x, block.first).relu(), block.second)
    shortcut = x if (leaving, stride) == (4, 1) else convolved(x, block.shortcut[0])
    assert torch.allclose(block(x), (shortcut + inner).relu(), rtol=1e-12)


@pytest.mark.parametrize(("leaving", "stride"), [(4, 1), (6, 1), (8, 2)])
def test_a_wide_block_activates_before_it_convolves(leaving, stride):
    block = WideBlock(4, leaving, stride, "none").double()
    x = torch.from_numpy(stream(0, "maps").normal(size=(2, 4, 6, 6)))
    inner = convolved(convolved(x.relu(), block.first).relu(), block.second)
    shortcut = x if block.projection is None else convolved(x.relu(), block.projection)
    assert (block.projection is None) == ((leaving, stride) == (4, 1))
    assert torch.allclose(block(x), shortcut + inner, rtol=1e-12)


def test_convolutions_start_with_the_variance_of_their_fan_out():
    weights = build("resnet18", (3, 8, 8), 10, width=32).init(streams(0)).params
    name = "stages.1.1.second.weight"
    assert weights[name].std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)


def test_a_residual_network_learns_to_tell_two_pictures_apart():
    net = build("resnet18", (1, 8, 8), 2, width=4)
    model = net.init(streams(0))
    x = torch.from_numpy(stream(0, "two").normal(size=(2, 1, 8, 8))).float()
    params = {name: leaf.clone().requires_grad_() for name, leaf in model.params.items()}
    losses = []
    for _ in range(20):
        loss = functional.cross_entropy(net.apply(model._replace(params=params), x, keep)[0], torch.tensor([0, 1]))
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, list(params.values()))
        params = {
            name: (leaf - 0.1 * gradient).detach().requires_grad_()
            for (name, leaf), gradient in zip(params.items(), gradients, strict=True)
        }
    assert losses[-1] < 0.1 * losses[0]


def test_flat_inputs_and_depths_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match=r"resnet18 needs pictures .* got inputs of shape \(64,\); use mlp"):
        build("resnet18", (64,), 10)
    with pytest.raises(ValueError, match=r"wide-resnet has a depth of 6 n \+ 4 .* got 20"):
        build("wide-resnet", (3, 8, 8), 10, depth=20)
