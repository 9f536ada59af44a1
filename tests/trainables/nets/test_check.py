import sys
import types

import pytest
from torch import nn

from trainables.nets import NETS, build, check
from trainables.nets.staged import Staged


@pytest.mark.parametrize("name", NETS)
def test_every_net_is_legal_without_options(name):
    assert check({"name": name}, (3, 32, 32), 10) == []


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ({}, "net.name must name a net (mlp, cnn, resnet18"),
        ({"name": "resnet"}, "net.name resnet is unknown; did you mean resnet18?"),
        ({"name": "mlp", "widht": 3}, "net.widht is unknown; did you mean width?"),
        ({"name": "mlp", "width": 2.5}, "net.width must be a whole number, got 2.5"),
        ({"name": "mlp", "width": 0}, "net.width must be at least 1, got 0"),
        ({"name": "mlp", "norm": "layer"}, "net.norm must be one of batch, none, got 'layer'"),
        ({"name": "cnn", "norm": "grup"}, "net.norm must be one of batch, group, none, got 'grup'; did you mean group?"),
        ({"name": "cnn", "shape": 3}, "net.shape is unknown"),
        ({"name": "wide-resnet", "depth": 20}, "net wide-resnet has a depth of 6 n + 4"),
        ({"name": "vit", "patch": 5}, "net vit needs a patch that divides"),
        ({"name": "nowhere:net"}, "net.name nowhere:net: the module nowhere must be importable"),
    ],
)
def test_a_fault_is_named_with_its_key(spec, fault):
    found = check(spec, (3, 32, 32), 10)
    assert len(found) == 1
    assert fault in found[0]


def test_what_only_the_data_can_tell_is_left_open_without_them():
    assert check({"name": "vit", "patch": 5}) == []
    assert check({"name": "cnn"}, (64,), 10) == ["net cnn needs pictures (channels, height, width), got inputs of shape (64,); use mlp"]


def test_a_net_of_the_users_own_is_built_and_checked_like_the_others(monkeypatch):
    module = types.ModuleType("mine")
    monkeypatch.setitem(sys.modules, "mine", module)
    module.linear = lambda shape, classes, width=4: Staged(
        [nn.Sequential(nn.Flatten(), nn.Linear(64, width))], nn.Identity(), nn.Linear(width, classes)
    )
    module.wrong = lambda shape, classes: nn.Linear(64, classes)
    assert check({"name": "mine:linear", "width": 8}, (1, 8, 8)) == []
    assert build("mine:linear", (1, 8, 8), 3, width=8).width == 8
    assert check({"name": "mine:linear", "wide": 8}, (1, 8, 8)) == ["net.wide is unknown; did you mean width?"]
    assert check({"name": "mine:wrong"}, (1, 8, 8)) == ["net.name must make a trainables.nets.staged.Staged, it made Linear"]
