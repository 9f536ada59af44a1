"""Half precision: what is rounded, what is not, and that it costs no accuracy."""

import numpy as np
import pytest
import torch
from torch.func import grad, vmap

from tests.contract.small import numbers
from trainables import nets, tree
from trainables.axes import FEATURES, Model, keep
from trainables.data.load import load
from trainables.draws import stream, streams
from trainables.engine.loop import Row, Run, Setting
from trainables.engine.precision import autocast
from trainables.methods import PRESETS, make
from trainables.optimizer import OPTIMIZERS, SCHEDULES

NETS = {
    "mlp": {"width": 16},
    "cnn": {"width": 8},
    "resnet18": {"width": 2},
    "wide-resnet": {"depth": 10, "width": 1},
    "vit": {"patch": 2, "width": 8, "depth": 2, "heads": 2},
}


def both(name):
    net = nets.build(name, (1, 8, 8), 3, **NETS[name])
    return net, autocast(net, "cpu"), net.init(streams(0)), torch.from_numpy(stream(0, "x").normal(size=(6, 1, 8, 8))).float()


@pytest.mark.parametrize("name", NETS)
def test_results_are_float32_and_near_those_in_full_precision_yet_not_the_same(name):
    full, half, model, x = both(name)
    for one, other in (
        (full.apply(model, x, keep)[0], half.apply(model, x, keep)[0]),
        (full.predict(model, x), half.predict(model, x)),
        (full.features(model, x), half.features(model, x)),
        (full.encode(model, x, 1), half.encode(model, x, 1)),
    ):
        assert other.dtype == torch.float32
        assert not one.equal(other)
        assert (one - other).norm() < 0.1 * one.norm()


@pytest.mark.parametrize("name", NETS)
def test_gradients_and_running_statistics_are_float32(name):
    _, half, model, x = both(name)

    def loss(params):
        logits, buffers = half.apply(Model(params, model.buffers), x, keep)
        return logits.logsumexp(1).sum() - logits[:, 0].sum(), buffers

    slopes, buffers = grad(loss, has_aux=True)(model.params)
    assert {leaf.dtype for leaf in slopes.values()} == {torch.float32}
    assert {leaf.dtype for leaf in buffers.values()} <= {torch.float32, torch.int64}


def test_members_mapped_together_have_the_gradients_of_members_alone():
    _, half, _, x = both("cnn")
    models = [half.init(streams(seed)) for seed in range(3)]
    slope = grad(lambda params, buffers, batch: half.apply(Model(params, buffers), batch, keep)[0].square().mean())
    group = tree.stack(models)
    together = vmap(slope, in_dims=(0, 0, None))(group.params, group.buffers, x)
    for row, model in enumerate(models):
        for name, leaf in slope(model.params, model.buffers, x).items():
            assert torch.allclose(together[name][row], leaf, rtol=0.05, atol=0.02 * leaf.abs().max().item()), name


def test_a_method_sees_float32_between_the_stages_and_computes_in_it():
    _, half, model, x = both("mlp")
    seen: dict[int, torch.dtype] = {}

    def between(depth, hidden):
        seen[depth] = hidden.dtype
        product = torch.ones(1, 300) @ torch.full((300, 1), 1.001)  # in bfloat16 this would be 300 or 302
        assert product.item() == pytest.approx(300.3, rel=1e-5)
        return hidden

    half.apply(model, x, between)
    assert seen == dict.fromkeys([0, 1, 2, FEATURES], torch.float32)


def test_norms_see_float32(monkeypatch):
    seen: list[torch.dtype] = []
    normalise = torch.nn.functional.batch_norm
    _, half, model, x = both("cnn")
    monkeypatch.setattr(torch.nn.functional, "batch_norm", lambda x, *rest: (seen.append(x.dtype), normalise(x, *rest))[1])
    half.apply(model, x, keep)
    assert seen == [torch.float32] * 3


def accuracies(precision, seeds):
    data = load("digits", label_noise=0.1, test_share=0.5)
    method = make(PRESETS["g-mix"])
    net = nets.build("mlp", data.shape, 10, width=64)
    net = autocast(net, "cpu") if precision == "bf16" else net
    setting = Setting(method, net, OPTIMIZERS["sgd"](), SCHEDULES["cosine"], epochs=6, batch=64, recorded=False)
    run = Run.begin(setting, data, [Row(0, seed, numbers(method)) for seed in range(seeds)])
    while not run.finished:
        run.train_epoch()
    assert {leaf.dtype for _, leaf in tree.leaves(run.group.model.params)} == {torch.float32}
    return (run.evaluate(data.test)[1] == data.test.y.numpy()).mean(1)


@pytest.mark.slow
def test_half_and_full_precision_agree_in_accuracy_within_noise_over_ten_seeds():
    full, half = accuracies("float32", 10), accuracies("bf16", 10)
    assert full.mean() > 0.9
    difference = half - full
    assert abs(difference.mean()) < 2.26 * np.hypot(full.std(ddof=1), half.std(ddof=1)) / np.sqrt(10)  # t of 9 degrees of freedom
    assert np.abs(difference).max() < 0.01
