"""The laws of the seam, over every net."""

import subprocess
import sys

import pytest
import torch
from torch.func import grad, vmap

from trainables import tree
from trainables.axes import FEATURES, Model, keep
from trainables.draws import stream, streams
from trainables.nets import build

NETS = {
    "mlp": ("mlp", {"width": 16}),
    "cnn": ("cnn", {"width": 8}),
    "cnn-group": ("cnn", {"width": 8, "norm": "group"}),
    "resnet18": ("resnet18", {"width": 2}),
    "resnet18-group": ("resnet18", {"width": 2, "norm": "group"}),
    "wide-resnet": ("wide-resnet", {"depth": 10, "width": 1}),
    "vit": ("vit", {"patch": 2, "width": 8, "depth": 2, "heads": 2}),
}
SHAPE = (1, 8, 8)

NUMBERS = """
import hashlib
from trainables import tree
from trainables.draws import streams
from trainables.nets import build
print(hashlib.sha256(b"".join(leaf.numpy().tobytes() for _, leaf in tree.leaves(build("cnn", (1, 8, 8), 10).init(streams(7))))).hexdigest())
"""


def made(name):
    kind, options = NETS[name]
    return build(kind, SHAPE, 3, **options)


def double(model: Model) -> Model:
    return tree.map(lambda leaf: leaf.double() if leaf.is_floating_point() else leaf, model)


def inputs(*lead: int) -> torch.Tensor:
    return torch.from_numpy(stream(1, "inputs").normal(size=(*lead, *SHAPE)))


def loss(net, params, buffers, x):
    logits, moved = net.apply(Model(params, buffers), x, keep)
    return logits.logsumexp(1).sum() - logits[:, 0].sum(), moved


@pytest.mark.parametrize("name", NETS)
def test_a_seed_fixes_the_initial_weights(name):
    net = made(name)
    first, again, other = (net.init(streams(seed)) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(tree.leaves(first), tree.leaves(again), strict=True))
    assert not torch.equal(first.params["head.weight"], other.params["head.weight"])


def test_initial_weights_leave_the_global_generator_alone():
    state = torch.get_rng_state()
    made("mlp").init(streams(0))
    assert torch.equal(state, torch.get_rng_state())


def test_another_process_starts_from_the_same_weights():
    digests = [subprocess.run([sys.executable, "-c", NUMBERS], capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert digests[0] == digests[1]
    assert len(digests[0].strip()) == 64


@pytest.mark.parametrize("name", NETS)
def test_members_mapped_together_have_the_gradients_of_members_alone(name):
    net = made(name)
    models = [double(net.init(streams(seed))) for seed in range(3)]
    x = inputs(3, 5)
    function = grad(lambda params, buffers, batch: loss(net, params, buffers, batch), has_aux=True)
    group = tree.stack(models)
    together, moved = vmap(function)(group.params, group.buffers, x)
    for row, model in enumerate(models):
        alone, moved_alone = function(model.params, model.buffers, x[row])
        for path, leaf in tree.leaves(alone):
            assert torch.allclose(together[path][row], leaf, rtol=1e-9, atol=1e-12), path
        for path, leaf in tree.leaves(moved_alone):
            assert torch.allclose(moved[path][row], leaf, rtol=1e-9, atol=1e-12), path


@pytest.mark.parametrize("name", NETS)
def test_a_pass_changes_no_tensor_that_it_was_given(name):
    net = made(name)
    model, x = double(net.init(streams(0))), inputs(4)
    before = tree.map(torch.clone, (model, x))
    net.apply(model, x, keep)
    net.predict(model, x)
    net.features(model, x)
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(tree.leaves((model, x)), tree.leaves(before), strict=True))


@pytest.mark.parametrize("name", NETS)
def test_between_is_asked_once_at_every_depth_in_order(name):
    net = made(name)
    depths: list[int] = []
    net.apply(double(net.init(streams(0))), inputs(2), lambda depth, hidden: (depths.append(depth), hidden)[1])
    assert depths == [*range(net.stages + 1), FEATURES]


@pytest.mark.parametrize("name", NETS)
def test_what_between_returns_is_what_the_rest_of_the_net_sees(name):
    net = made(name)
    model, x = double(net.init(streams(0))), inputs(2)
    seen = net.apply(model, x, lambda depth, hidden: torch.zeros_like(hidden) if depth == FEATURES else hidden)[0]
    assert torch.allclose(seen, model.params["head.bias"].expand(2, 3))


@pytest.mark.parametrize("name", NETS)
def test_the_head_on_the_features_is_the_prediction(name):
    net = made(name)
    model, x = double(net.init(streams(0))), inputs(3)
    features = net.features(model, x)
    assert features.shape == (3, net.width)
    assert torch.allclose(features @ model.params["head.weight"].T + model.params["head.bias"], net.predict(model, x))


@pytest.mark.parametrize("name", NETS)
def test_predictions_of_an_example_do_not_depend_on_its_batch(name):
    net = made(name)
    model, x = double(net.init(streams(0))), inputs(6)
    assert torch.allclose(net.predict(model, x)[2:4], net.predict(model, x[2:4]), rtol=1e-9)
