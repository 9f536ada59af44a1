"""A job carried out: rungs, members that fall out, evidence, and the same after a checkpoint."""

import dataclasses

import numpy as np
import pytest

from trainables.course import Course
from trainables.data.load import load
from trainables.evidence import COMPLETE, DIVERGED, PRUNED
from trainables.job import Configuration, Job
from trainables.training import TRAINING

DATA = load("digits", fraction=0.1)


def numbers(**changes):
    return {"alpha": 1.0, "rho": 0.05, "lr": 0.1, "weight_decay": 0.0, "label_smoothing": 0.0, **changes}


def job(**changes):
    plain = Job(
        study="s",
        home="",
        method="g-mix",
        group="g-mix-0000",
        axes={"mixing": "mixup", "perturbation": "sam", "criterion": "mean"},
        configurations=[Configuration(number, numbers(rho=rho)) for number, rho in [(3, 0.01), (4, 0.1), (7, 0.4)]],
        seeds=[5, 6],
        data={"name": "digits", "fraction": 0.1},
        net={"name": "mlp", "width": 8},
        training={**TRAINING, "epochs": 3, "batch": 32},
        precision="float64",
    )
    return dataclasses.replace(plain, **changes)


def carried_out(some_job, promote=None):
    course = Course(some_job, DATA)
    while not course.finished:
        course.epoch(promote)
    return course


def test_a_job_is_plain_data_and_back():
    assert Job.from_dict(job().to_dict()) == job()


def test_every_member_leaves_evidence_in_the_jobs_order():
    members = carried_out(job()).members()
    assert [(member.configuration, member.seed) for member in members] == [(3, 5), (3, 6), (4, 5), (4, 6), (7, 5), (7, 6)]
    assert {member.status for member in members} == {COMPLETE}
    for member in members:
        assert member.accuracy == pytest.approx(np.mean(member.predictions == DATA.selection.y.numpy()))
        assert member.loss == pytest.approx(member.losses.mean())
        assert {len(curve) for curve in member.curves.values()} == {3}
        assert member.curves["accuracy"][-1] == pytest.approx(member.accuracy)


def test_a_configuration_that_is_not_promoted_leaves_as_pruned_with_its_score_at_the_rung():
    seen = []

    def promote(scores, keep):
        seen.append((scores.shape, keep))
        return [1]

    course = carried_out(job(rungs=[2], keep=0.34), promote)
    assert seen == [((3, 2, 3), 0.34)]
    by_number = {member.configuration: member for member in course.members()}
    assert [(by_number[n].status, by_number[n].epochs) for n in (3, 4, 7)] == [(PRUNED, 2), (COMPLETE, 3), (PRUNED, 2)]
    unhalved = {member.configuration: member for member in carried_out(job()).members()}
    np.testing.assert_allclose(by_number[4].losses, unhalved[4].losses, rtol=1e-5)


def test_who_was_dropped_at_a_rung_is_not_compared_at_the_next():
    seen = []

    def promote(scores, keep):
        seen.append(len(scores))
        return [1] if len(seen) == 1 else [0]

    course = carried_out(job(rungs=[1, 2], keep=0.5), promote)
    assert seen == [3, 1]
    assert {member.configuration: member.epochs for member in course.members()} == {3: 1, 4: 3, 7: 1}


def test_promotion_sees_the_objectives_asked_for_seed_by_seed():
    tables = []

    def promote(scores, keep):
        tables.append(scores)
        return [0, 1, 2]

    course = Course(job(rungs=[1], objectives=["stability", "accuracy"]), DATA)
    course.epoch(promote)
    expected = course.scores()
    np.testing.assert_allclose(tables[0].mean(1)[:, 0], [expected[n]["stability"] for n in (3, 4, 7)])
    np.testing.assert_allclose(tables[0].mean(1)[:, 1], [expected[n]["accuracy"] for n in (3, 4, 7)])


def test_a_member_that_diverges_is_a_result_at_chance_level():
    wild = [Configuration(0, numbers()), Configuration(1, numbers(lr=1e30))]
    course = carried_out(job(configurations=wild, precision="float32"))
    fine, diverged = course.members()[0], course.members()[2]
    assert (fine.status, diverged.status) == (COMPLETE, DIVERGED)
    assert (diverged.accuracy, diverged.tail) == (0.1, 0.1)
    assert set(diverged.predictions) == {-1}
    assert diverged.epochs == 1
    assert course.scores()[1] == {"accuracy": pytest.approx(0.1), "tail": pytest.approx(0.1), "stability": 0}


def test_a_job_whose_members_all_diverge_finishes():
    course = carried_out(job(configurations=[Configuration(1, numbers(lr=1e30))], precision="float32"))
    assert [member.status for member in course.members()] == [DIVERGED, DIVERGED]


@pytest.mark.parametrize("after", [1, 2])
def test_a_course_taken_up_from_its_checkpoint_ends_with_the_same_evidence(after):
    def promote(scores, keep):
        return [0, 2]

    plain = job(rungs=[1])
    interrupted = Course(plain, DATA)
    for _ in range(after):
        interrupted.epoch(promote)
    resumed = Course(plain, DATA, interrupted.pack())
    while not resumed.finished:
        resumed.epoch(promote)
    for left, right in zip(resumed.members(), carried_out(plain, promote).members(), strict=True):
        for name in ("configuration", "seed", "status", "epochs", "accuracy", "losses", "predictions"):
            np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
        assert left.curves.keys() == right.curves.keys()


def test_every_epoch_is_diagnosed_and_features_are_measured_in_the_end():
    member = carried_out(job()).members()[0]
    for name in ("sharpness_common", "weight_norm", "gap"):
        assert np.isfinite(member.curves[name]).all()
    assert np.isnan(member.curves["cohesion"][:-1]).all()
    assert 0 < member.curves["cohesion"][-1] <= 1
    assert 0 < member.curves["separability"][-1] <= 2
