"""Workers that die and disks that are full, with a real Ray where it takes one."""

import errno
import os
import signal
from pathlib import Path

import pytest

from search import Study, launch, run
from tests.search.test_launch import TEXT, ended
from trainables import evidence
from trainables.home import Home
from trainables.job import Configuration, Job
from trainables.trainable import GroupTrainable

GUILTY = 2


class Deadly(GroupTrainable):
    """Dies where it stands whenever it trains a certain configuration."""

    def step(self):
        if self.job.method == "g-mix" and any(configuration.number == GUILTY for configuration in self.job.configurations):
            os.write(2, b"cannot bear configuration two\n")
            os.kill(os.getpid(), signal.SIGKILL)
        return super().step()


@pytest.mark.faults
@pytest.mark.xdist_group("ray")
def test_a_group_whose_process_dies_is_split_until_the_guilty_one_stands_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "GroupTrainable", Deadly)
    study = Study.parse(TEXT, changes={"methods": "{g-mix: {}}", "training.epochs": "3", "retries": "1", "group": "6"})
    outcome = launch(study, tmp_path, measured=False)
    assert [state.name for state in ended(tmp_path)["tiny/g-mix"]] == ["COMPLETE", "COMPLETE", "FAIL"]
    assert [(failure.method, failure.number) for failure in outcome.status.failures] == [("g-mix", GUILTY)]
    assert "ActorDiedError" in outcome.status.failures[0].reason
    assert "cannot bear configuration two" in outcome.status.failures[0].reason
    assert outcome.status.complete


class Full(Home):
    """A home whose disk is full for some writes."""

    def __init__(self, home, times, name):
        super().__init__(home.url)
        self.times, self.name = times, name

    def write(self, name, content):
        if self.times > 0 and self.name in name:
            self.times -= 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(name, content)


def worker(folder, **changes):
    """A worker with a group of one configuration and two epochs."""
    job = Job(
        study="s",
        home=str(folder),
        method="erm",
        group="erm-0001",
        axes={"mixing": "none", "perturbation": "none", "criterion": "mean"},
        configurations=[Configuration(0, {"lr": 0.1, "weight_decay": 0.0, "label_smoothing": 0.0})],
        seeds=[0, 1],
        data={"name": "digits", "fraction": 0.2},
        net={"name": "mlp", "width": 8},
        training={"epochs": 6, "batch": 32, "optimizer": "sgd", "schedule": "constant"},
        device="cpu",
        **changes,
    )
    return GroupTrainable(config={"job": job.to_dict()})


@pytest.mark.parametrize("folder", ["splits", "evidence"])
def test_a_worker_without_room_for_its_evidence_waits_and_writes_it_later(tmp_path, monkeypatch, folder):
    monkeypatch.setattr("trainables.trainable.FULL_SECONDS", 0)
    monkeypatch.setattr("trainables.trainable.STEP_SECONDS", 1e9)
    made = worker(tmp_path)
    made.home = Full(made.home, 2, folder)
    results = [made.step() for _ in range(3)]
    assert [(one["done"], "No space left" in one["full"]) for one in results] == [(False, True), (False, True), (True, False)]
    assert len(evidence.read(str(tmp_path / "s/evidence/erm-0001.parquet"))) == 2


def test_a_worker_without_room_for_a_checkpoint_trains_on(tmp_path):
    made = worker(tmp_path, checkpoint_epochs=1)
    made.checkpoints.home = Full(made.home, 99, "checkpoints")
    results = [made.step() for _ in range(6)]
    assert {one["full"] for one in results[:-1]} == {results[0]["full"]} != {""}, "it is full until something was written"
    assert results[-1]["done"]
    assert not results[-1]["full"]


def test_checkpoints_stay_within_their_budget(tmp_path):
    made = worker(tmp_path, checkpoint_epochs=1)
    size = len(made.course.pack())
    for budget, expected in ((10 * size, 2), (1.9 * size, 1), (0.5 * size, 0)):
        home = tmp_path / str(expected)
        one = worker(home, checkpoint_epochs=1, checkpoint_budget=int(budget))
        notes = [note for _ in range(4) for note in one.step()["notes"]]
        there = list((home / "s/checkpoints").iterdir()) if (home / "s/checkpoints").exists() else []
        assert len(there) == expected
        assert sum(file.stat().st_size for file in there) <= budget
        assert [note.partition(":")[0] for note in notes] == ([] if expected else ["erm-0001"]), "it is said once"


def test_evidence_that_a_dead_worker_wrote_is_not_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr("trainables.trainable.STEP_SECONDS", 1e9)
    worker(tmp_path).step()
    file = Path(tmp_path / "s/evidence/erm-0001.parquet")
    before = file.stat().st_mtime_ns
    again = worker(tmp_path).step()
    assert (again["done"], again["epoch"]) == (True, 0)
    assert file.stat().st_mtime_ns == before


@pytest.mark.parametrize("epochs", [1, 2, 5])
def test_a_kill_costs_no_more_epochs_than_lie_between_two_checkpoints(tmp_path, monkeypatch, epochs):
    monkeypatch.setattr("trainables.trainable.STEP_SECONDS", 1e9)
    made = worker(tmp_path, checkpoint_epochs=epochs, checkpoint_seconds=1e9)
    trained, train = [], made.course.epoch

    def epoch(promote=None):
        trained.append(worker(tmp_path).course.run.epoch)  # what a successor would begin with, were it killed now
        train(promote)

    made.course.epoch = epoch
    while not made.step()["done"]:
        pass
    assert [now - saved for now, saved in enumerate(trained)] == [now % epochs for now in range(6)]


@pytest.mark.parametrize("stage", ["copy", "write"])
def test_a_kill_while_a_checkpoint_is_written_loses_none(tmp_path, stage):
    made = worker(tmp_path, checkpoint_epochs=1)
    for _ in range(2):
        made.step()

    class Killed(BaseException):
        pass

    def kill(*arguments):
        raise Killed

    setattr(made.home, stage, kill)
    with pytest.raises(Killed):
        made.step()
    assert worker(tmp_path).course.run.epoch == 2
