"""The part of the seam that a learned mixer reads."""

import pytest
import torch

from tests.trainables.nets.test_staged import NETS, SHAPE, double, inputs, made
from trainables import tree
from trainables.draws import streams


@pytest.mark.parametrize("name", NETS)
def test_encode_gives_what_a_training_pass_shows_at_that_depth(name):
    net = made(name)
    model, x, seen = double(net.init(streams(0))), inputs(5), {}
    net.apply(model, x, seen.setdefault)
    for depth in range(net.stages + 1):
        assert torch.equal(net.encode(model, x, depth), seen[depth])
        assert tuple(seen[depth].shape[1:]) == net.hidden[depth]
    assert len(net.hidden) == net.stages + 1
    assert net.hidden[0] == SHAPE


@pytest.mark.parametrize("name", NETS)
def test_encode_changes_no_running_statistics(name):
    net = made(name)
    model = double(net.init(streams(0)))
    before = tree.map(torch.clone, model)
    net.encode(model, inputs(5), net.stages)
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(tree.leaves(model), tree.leaves(before), strict=True))


def test_encode_does_not_compute_what_lies_behind():
    net = made("cnn")
    model = double(net.init(streams(0)))
    broken = model._replace(
        params={key: leaf * torch.nan if key.startswith(("stages.2", "head")) else leaf for key, leaf in model.params.items()}
    )
    assert net.encode(broken, inputs(5), 2).isfinite().all()


def test_a_net_of_maps_is_told_from_one_of_vectors():
    assert made("cnn").spatial
    assert not made("mlp").spatial
