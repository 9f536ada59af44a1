"""Epochs: what is seen, what is logged, what the optimiser is told."""

import numpy as np
import pytest
import torch

from tests.contract.small import data, numbers, preset, rows, setting, trained
from trainables.engine.feed import order
from trainables.engine.loop import Row, Run


def test_an_epoch_sees_every_example_once():
    seen = order(seed=0, purpose="order", epoch=3, count=30, steps=3, size=10)
    assert seen.shape == (3, 10)
    assert sorted(seen.flatten().tolist()) == list(range(30))


def test_epochs_and_seeds_differ_in_order_and_configurations_share_it():
    first = order(0, "order", 0, 30, 3, 10)
    assert not torch.equal(first, order(0, "order", 1, 30, 3, 10))
    assert not torch.equal(first, order(1, "order", 0, 30, 3, 10))
    assert torch.equal(first, order(0, "order", 0, 30, 3, 10))


def test_a_split_smaller_than_the_epoch_is_gone_through_again_and_again():
    seen = order(seed=0, purpose="probe", epoch=0, count=4, steps=3, size=4)
    assert [sorted(row) for row in seen.tolist()] == [[0, 1, 2, 3]] * 3


def test_one_plain_step_is_the_gradient_step_of_autograd():
    method = preset("erm")
    row = Row(0, 0, {**numbers(method), "weight_decay": 0.0, "label_smoothing": 0.0})
    shared = setting(method, on="mlp", epochs=1, batch=30)
    run = Run.begin(shared, data(), [row])
    before = {name: leaf[0].clone().requires_grad_() for name, leaf in run.group.model.params.items()}
    buffers = {name: leaf[0].clone() for name, leaf in run.group.model.buffers.items()}
    from trainables.axes import Model, keep

    logits, _ = shared.net.apply(Model(before, buffers), data().train.x.double(), keep)
    torch.nn.functional.cross_entropy(logits, data().train.y).backward()
    run.train_epoch()
    for name, leaf in run.group.model.params.items():
        torch.testing.assert_close(leaf[0], (before[name] - 0.05 * before[name].grad).detach(), rtol=1e-9, atol=1e-12)


def test_curves_have_one_figure_an_epoch_and_nan_where_none_was_taken():
    method = preset("sam")
    run = trained(setting(method), rows(method, 1, 2), epochs=1)
    run.train_epoch()
    run.log("late", [1.0, 2.0])
    assert set(run.curves[0]) >= {"risk", "train_loss", "sharpness", "late"}
    assert len(run.curves[0]["risk"]) == 2
    np.testing.assert_array_equal(run.curves[1]["late"], [np.nan, 2.0])


def test_members_that_need_a_probe_train_on_the_rest():
    plain = preset("sam")
    asking = plain._replace(perturbation=plain.perturbation._replace(needs=frozenset({"probe"})))
    few, all_of_it = trained(setting(asking), rows(asking, 1, 1), 1), trained(setting(plain), rows(plain, 1, 1), 1)
    assert not torch.equal(few.group.model.params["head.weight"], all_of_it.group.model.params["head.weight"])


def test_evaluation_leaves_running_statistics_alone_and_scores_every_example():
    method = preset("mixup")
    run = trained(setting(method), rows(method, 2, 1), epochs=1)
    before = {name: leaf.clone() for name, leaf in run.group.model.buffers.items()}
    losses, predictions = run.evaluate(data().selection)
    assert losses.shape == predictions.shape == (2, 25)
    for name, leaf in run.group.model.buffers.items():
        assert torch.equal(leaf, before[name]), name
    assert losses[0].mean() == pytest.approx(_loss_by_hand(run, 0), rel=1e-5)


def _loss_by_hand(run, row):
    from trainables import tree

    model = tree.take(run.group.model, row)
    logits = run.setting.net.predict(model, data().selection.x.double())
    return torch.nn.functional.cross_entropy(logits, data().selection.y).item()
