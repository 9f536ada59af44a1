"""What must hold of a study that was killed as often as you like, once it has ended."""

import io
from pathlib import Path

import numpy as np
import optuna
import torch
from optuna.trial import TrialState

from search.files import WRITTEN
from search.halving import survivors
from search.homes import find
from search.page import Group, objectives
from search.searcher import job
from search.storage import opened
from trainables import evidence
from trainables.course import Course
from trainables.data.load import load
from trainables.evidence import Evidence
from trainables.job import Configuration


def check(name: str, home: Path, url: str | None = None) -> None:
    """Raise AssertionError unless the study is in order, and its results are as if nothing had happened."""
    found, study = in_order(name, home, url), find(name, home)[0]
    data = load(**study.data)
    for group in found.values():
        same(group, _undisturbed(study, group, data))


def in_order(name: str, home: Path, url: str | None = None) -> dict[str, list[Evidence]]:
    """The study's evidence by file; raises AssertionError unless it has exactly its budget, each configuration once, and nothing else."""
    study, place = find(name, home)
    found = {file: evidence.read(io.BytesIO(place.read(f"evidence/{file}") or b"")) for file in place.names("evidence")}
    members = [(one.method, one.configuration, one.seed) for group in found.values() for one in group]
    budgets = {method: study.budget_of(method) for method in study.spaces}
    expected = [(method, number, seed) for method, budget in budgets.items() for number in range(budget) for seed in range(study.seeds)]
    assert sorted(members) == sorted(expected), "every member must have evidence once"
    with opened(url or f"sqlite:///{home}/{name}/ledger.db", existing=True) as storage:
        _trials(name, budgets, storage, [one for group in found.values() for one in group], study.objectives)
    assert place.names("checkpoints") == [], "finished groups must leave no checkpoint"
    for folder in WRITTEN:
        assert place.unfinished(folder) == [], "nothing half written may stay"
    there = sorted({path.name for path in (home / name).iterdir() if path.is_file()} - {"faults.jsonl"})  # what kills threw away
    ours = {".driver.lock", "environment.json", "study.yaml"} | (set() if url else {"ledger.db"})
    assert there == sorted(ours), "nothing of a driver's may stay"
    return found


def _trials(name: str, budgets: dict[str, int], storage, members: list[Evidence], names: list[str]) -> None:
    for method, budget in budgets.items():
        trials = optuna.load_study(study_name=f"{name}/{method}", storage=storage).trials
        assert len(trials) == budget, "a study must have exactly its budget"
        assert {trial.state for trial in trials} <= {TrialState.COMPLETE, TrialState.PRUNED}, (
            "no trial may be left RUNNING, and none failed"
        )
        points = {tuple(sorted(trial.user_attrs["numbers"].items())) for trial in trials}
        assert len(points) == len(trials), "no configuration may be there twice"
        for trial in trials:
            own = [one for one in members if (one.method, one.configuration) == (method, trial.number)]
            if trial.state == TrialState.COMPLETE:
                assert trial.values == [objectives(own)[one] for one in names], "outcomes must follow from evidence"


def _undisturbed(study, group: list[Evidence], data) -> list[Evidence]:
    """The same group, trained here without a break."""
    torch.set_num_threads(1)
    numbers = {member.configuration: member.knobs for member in group}
    seeds = tuple(sorted({member.seed for member in group}))
    configurations = tuple(Configuration(number, knobs) for number, knobs in numbers.items())
    course = Course(job(study, Group(group[0].group, group[0].method, configurations, seeds), "nowhere"), data)
    while not course.finished:
        course.epoch(survivors)
    return course.members()


def same(left: list[Evidence], right: list[Evidence]) -> None:
    """Raise AssertionError unless two runs of the same members have left the same, bit for bit."""
    for one, other in zip(left, right, strict=True):
        assert _of(one) == _of(other)
        np.testing.assert_array_equal(one.losses, other.losses, f"{one.group}: losses must be those of an undisturbed run, bit for bit")
        np.testing.assert_array_equal(one.predictions, other.predictions)
        for name, curve in one.curves.items():
            np.testing.assert_array_equal(curve, other.curves[name], name)


def _of(one: Evidence) -> tuple[object, ...]:
    return one.method, one.configuration, one.seed, one.knobs, one.status, one.epochs
