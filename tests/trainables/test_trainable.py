"""The trainables under Ray Tune itself, and the files that a group leaves."""

import dataclasses

import numpy as np
import pytest
import ray
import torch
from ray import tune
from ray.tune.schedulers import ASHAScheduler

from tests.trainables.test_course import job
from trainables import evidence
from trainables.engine import group
from trainables.home import Home
from trainables.trainable import GroupTrainable, trainable


@pytest.fixture
def config(tmp_path):
    return {"job": dataclasses.replace(job(), home=str(tmp_path)).to_dict(), "promote": None}


def finish(worker):
    while not (result := worker.step())["done"]:
        pass
    return result


def test_a_group_leaves_its_evidence_before_it_says_done_and_no_checkpoint(config, tmp_path):
    result = finish(GroupTrainable(config))
    assert result["epoch"] == 3
    members = evidence.read(str(tmp_path / "s" / "evidence" / "g-mix-0000.parquet"))
    assert len(members) == 6
    assert not list((tmp_path / "s" / "checkpoints").glob("*"))
    truth, names, pictures = evidence.read_truth(str(tmp_path / "s" / "splits" / "selection.npz"))
    assert (len(truth.y), len(names)) == (len(members[0].losses), 10)
    assert pictures.shape == (len(truth.y), 8, 8)


def test_a_group_that_does_not_fit_goes_on_in_parts_to_the_same_evidence_and_says_so_once(config, tmp_path, monkeypatch):
    advance = group.advance

    def short(step, members, inputs, turn, chunk=None):
        if (chunk or 6) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return advance(step, members, inputs, turn, chunk)

    plenty = GroupTrainable({**config, "job": {**config["job"], "home": str(tmp_path / "plenty")}})
    finish(plenty)
    monkeypatch.setattr("trainables.engine.pace.advance", short)
    starved = GroupTrainable(config)
    notes = []
    while not (result := starved.step())["done"]:
        notes += result["notes"]
    notes += result["notes"]
    words = "g-mix-0000: out of memory with {} members at a time, going on with {} (CUDA out of memory. Tried to allocate 2 GiB)"
    assert notes == [words.format(6, 3), words.format(3, 2)]
    file = "s/evidence/g-mix-0000.parquet"
    for one, other in zip(evidence.read(str(tmp_path / file)), evidence.read(str(tmp_path / "plenty" / file)), strict=True):
        assert np.allclose(one.losses, other.losses, rtol=0, atol=1e-6)


def test_where_there_is_evidence_there_is_all_that_a_group_leaves(config, tmp_path, monkeypatch):
    """A worker that dies while it writes its pictures must leave no evidence: that alone would make the group count as finished."""
    here = tmp_path / "s"
    write = Home.write

    def dying(home, name, content):
        if name.startswith("mixtures/"):
            assert not list((here / "evidence").glob("*"))
            raise ConnectionError("the power is gone")
        write(home, name, content)

    monkeypatch.setattr(Home, "write", dying)
    with pytest.raises(ConnectionError, match="the power is gone"):
        finish(GroupTrainable(config))
    monkeypatch.undo()
    assert not list((here / "evidence").glob("*"))
    finish(GroupTrainable(config))
    assert [file.stem for folder in ("mixtures", "evidence") for file in (here / folder).iterdir()] == ["g-mix-0000", "g-mix-0000"]


def test_a_restarted_group_goes_on_from_its_own_checkpoint(config):
    first = GroupTrainable(config)
    first.course.epoch()
    first.save_course()
    second = GroupTrainable(config)
    assert second.course.run.epoch == 1
    result = second.step()
    assert result["since"] == 1
    assert result["epoch"] > 1
    assert result["seconds"] > 0
    finish(second)


def test_a_torn_checkpoint_is_set_aside_and_the_one_before_it_is_used(config, tmp_path, caplog):
    worker = GroupTrainable(config)
    for _ in range(2):
        worker.course.epoch()
        worker.save_course()
    torn = tmp_path / "s" / "checkpoints" / "g-mix-0000.pt"
    torn.write_bytes(torn.read_bytes()[:-100])
    again = GroupTrainable(config)
    assert again.course.run.epoch == 1
    assert "cannot be used" in caplog.text
    assert "torn or not a checkpoint" in again.step()["notes"][0]
    assert again.step()["notes"] == []
    assert (tmp_path / "s" / "checkpoints" / "g-mix-0000.pt.unusable").exists()


def test_a_checkpoint_of_another_job_is_set_aside(config, tmp_path):
    worker = GroupTrainable(config)
    worker.course.epoch()
    worker.save_course()
    for change, epoch in (
        ({"configurations": [{**one, "numbers": {**one["numbers"], "lr": 0.2}} for one in config["job"]["configurations"]]}, 0),
        ({"threads": 2, "checkpoint_seconds": 1.0, "rungs": [2]}, 1),
    ):
        worker.save_course()
        assert GroupTrainable({**config, "job": {**config["job"], **change}}).course.run.epoch == epoch
    assert (tmp_path / "s" / "checkpoints" / "g-mix-0000.pt.unusable").exists()


def test_a_reused_actor_takes_on_the_next_group(config):
    worker = GroupTrainable(config)
    finish(worker)
    other = {**config, "job": {**config["job"], "group": "g-mix-0001"}}
    assert worker.reset_config(other)
    assert worker.course.run.epoch == 0


def test_a_users_trainable_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match="method must be one of erm"):
        trainable("gmix")
    with pytest.raises(ValueError, match=r"training arguments are .*got \['epoch'\]"):
        trainable("sam", epoch=3)
    with pytest.raises(ValueError, match=r"has the knobs .*got 'radius'"):
        trainable("sam")({"radius": 0.1})
    with pytest.raises(ValueError, match="rho must lie in"):
        trainable("sam")({"rho": -1})


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    ray.init(num_cpus=2, include_dashboard=False, _temp_dir=str(tmp_path_factory.mktemp("ray")), log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.xdist_group("ray")
def test_a_users_trainable_runs_under_tunes_own_asha(cluster, tmp_path):
    tuner = tune.Tuner(
        trainable("g-mix", epochs=4, seeds=2, net={"name": "mlp", "width": 16}, data={"name": "digits", "fraction": 0.2}),
        param_space={"rho": tune.grid_search([0.01, 0.1, 3.0]), "alpha": 0.5, "lr": 0.05},
        tune_config=tune.TuneConfig(metric="accuracy", mode="max", scheduler=ASHAScheduler(max_t=4, grace_period=1, reduction_factor=2)),
        run_config=tune.RunConfig(storage_path=str(tmp_path), verbose=0, checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=True)),
    )
    results = tuner.fit()
    assert not results.errors
    assert len(results) == 3
    table = results.get_dataframe()
    assert table["training_iteration"].min() < 4 == table["training_iteration"].max()
    assert table[["accuracy", "tail", "stability"]].to_numpy().min() >= 0
    assert results.get_best_result().checkpoint is not None


def test_tunes_save_and_restore_go_on_with_the_same_numbers(tmp_path):
    made = trainable("sam", epochs=3, seeds=2, net={"name": "mlp", "width": 8}, data={"name": "digits", "fraction": 0.1})
    first = made({"rho": 0.1})
    first.train()
    first.save_checkpoint(str(tmp_path))
    expected = first.train()["accuracy"]
    second = made({"rho": 0.1})
    second.load_checkpoint(str(tmp_path))
    assert second.train()["accuracy"] == expected
