"""A job without labels, carried out: what its evidence says, how it is judged, who has collapsed, and the same after a checkpoint."""

import dataclasses
import functools

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from trainables import tree
from trainables.course import Course
from trainables.data.load import load
from trainables.draws import stream
from trainables.evidence import COLLAPSED, COMPLETE, DIVERGED
from trainables.job import Configuration, Job
from trainables.portable import portable
from trainables.readout.judging import LEAST_SPREAD, STRENGTHS, due, labelled, readout, spread
from trainables.scores import NO_PREDICTION
from trainables.training import TRAINING

DATA = load("digits", fraction=0.2, augment={"shift": 1, "cutout": 3})
NUMBERS = {"alpha": 1.0, "mix_weight": 1.0, "lr": 0.05, "weight_decay": 0.0, "label_smoothing": 0.0}


def job(**changes):
    plain = Job(
        study="s",
        home="",
        method="mixup",
        group="mixup-0000",
        axes={"mixing": "mixup", "perturbation": "none", "criterion": "mean"},
        configurations=[Configuration(0, NUMBERS)],
        seeds=[5, 6],
        data={"name": "digits"},
        net={"name": "cnn", "width": 4, "stages": 2},
        training={**TRAINING, "epochs": 2, "batch": 64},
        scenario={"name": "contrastive"},
    )
    return dataclasses.replace(plain, **changes)


@functools.cache
def finished():
    course = Course(job(), DATA)
    course.epoch()
    packed = course.pack()
    course.epoch()
    return course, packed


def test_scores_come_from_a_linear_classifier_on_frozen_features():
    course, _ = finished()
    member = course.members()[0]
    assert member.status == COMPLETE
    run = course.run
    x, selection = (run.features(split)[0].astype(float) for split in (DATA.train, DATA.selection))
    scale, n = x.std(0, ddof=1), len(x)
    losses = []
    for strength in STRENGTHS:
        model = LogisticRegression(C=1 / (n * strength), max_iter=10_000, tol=1e-8).fit(x / scale, DATA.train.y.numpy())
        logs = model.predict_log_proba(selection / scale)
        losses.append(-logs[np.arange(len(logs)), DATA.selection.y.numpy()])
    best = min(losses, key=np.mean)
    np.testing.assert_allclose(member.losses, best, atol=0.02)
    assert member.loss == pytest.approx(best.mean(), abs=2e-3)


def test_the_encoder_is_left_as_it_is():
    course, _ = finished()
    group, judged = course.run.group, course.run.classifying()
    changed = {key for key, leaf in judged.model.params.items() if not torch.equal(leaf, group.model.params[key])}
    assert changed == {"head.weight", "head.bias"}


def test_what_is_exported_classifies_as_the_evidence_says():
    course, _ = finished()
    member = tree.take(course.run.classifying(), 1)
    model = portable(course.job, DATA, course.setting.method.mixing.deploy(member.states.mixing, member.model))
    with torch.no_grad():
        predictions = model(DATA.selection.x).argmax(1).numpy()
    np.testing.assert_array_equal(predictions, course.members()[1].predictions)


def test_a_job_resumed_leaves_the_evidence_of_one_never_interrupted():
    course, packed = finished()
    resumed = Course(job(), DATA, packed)
    resumed.epoch()
    for left, right in zip(resumed.members(), course.members(), strict=True):
        np.testing.assert_array_equal(left.losses, right.losses)
        np.testing.assert_array_equal(left.predictions, right.predictions)
        assert left.curves.keys() == right.curves.keys()
        for name, curve in left.curves.items():
            np.testing.assert_array_equal(curve, right.curves[name])


def test_the_last_epoch_measures_neighbours_and_label_efficiency():
    curves = finished()[0].members()[0].curves
    for name in ("neighbours", "labels_1", "labels_10", "labels_100"):
        assert np.isnan(curves[name][0])
        assert 0 <= curves[name][1] <= 1
    assert curves["labels_100"][1] == pytest.approx(curves["accuracy"][1], abs=1e-6)
    assert curves["labels_1"][1] < curves["labels_100"][1]


def test_label_efficiency_uses_the_labels_it_says():
    y = DATA.train.y.numpy()
    few, more = labelled(y, 0.01, 3), labelled(y, 0.1, 3)
    assert few.shape == (5, 10)
    assert all(sorted(y[row].tolist()) == list(range(10)) for row in few)
    assert all(set(row.tolist()) <= set(others.tolist()) for row, others in zip(few, more, strict=True))
    assert torch.equal(labelled(y, 0.1, 3), more)
    assert not torch.equal(labelled(y, 0.1, 4), more)


def test_members_whose_embeddings_are_all_one_are_marked_collapsed_and_others_go_on():
    heavy = [Configuration(0, {**NUMBERS, "weight_decay": 10.0, "lr": 0.09}), Configuration(1, NUMBERS)]
    wild = [Configuration(2, {**NUMBERS, "lr": 1e30})]
    course = Course(job(configurations=heavy + wild, seeds=[5], training={**TRAINING, "epochs": 6, "batch": 64}), DATA)
    while not course.finished:
        course.epoch()
    members = {member.configuration: member for member in course.members()}
    assert [members[number].status for number in (0, 1, 2)] == [COLLAPSED, COMPLETE, DIVERGED]
    collapsed = members[0]
    assert collapsed.curves["embedding_spread"][-1] < LEAST_SPREAD
    assert collapsed.accuracy == collapsed.tail == 0.1
    assert (collapsed.predictions == NO_PREDICTION).all()
    assert members[1].curves["embedding_spread"].min() > LEAST_SPREAD


def test_spread_is_one_for_random_directions_and_zero_for_a_single_one():
    x = torch.from_numpy(stream(0, "directions").normal(size=(20_000, 16)))
    assert spread(x / x.norm(dim=1, keepdim=True)) == pytest.approx(1, abs=0.01)
    assert spread(torch.ones(10, 16) / 4) == 0


def test_a_strength_is_chosen_where_the_selection_split_is_told_apart_best():
    x = torch.tensor([[[-1.0], [1.0]]], dtype=torch.float64)
    y = torch.tensor([[0, 1]])
    sure = readout(x, y, x, y[0], 2)
    unsure = readout(x, y, x, torch.tensor([1, 0]), 2)
    assert sure.weight.abs().sum() > 10 * unsure.weight.abs().sum() > 0


def test_a_training_is_judged_ten_times():
    assert [sum(due(epoch, epochs) for epoch in range(1, epochs + 1)) for epochs in (3, 10, 30, 100)] == [3, 10, 10, 10]


def test_a_net_whose_head_has_no_bias_is_refused():
    course, _ = finished()
    trained = course.run._trained()
    model = trained.group.model
    lacking = model._replace(params={key: leaf for key, leaf in model.params.items() if key != "head.bias"})
    with pytest.raises(ValueError, match="must have a bias"):
        course.setting.judging.classifying(trained._replace(group=trained.group._replace(model=lacking)))
