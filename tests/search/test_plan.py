import json
import shutil

import pytest

from search.ahead import Ahead, comparison, recall, remember
from search.amounts import duration, size
from search.dryrun import Measured, refuse_unfit
from search.errors import StudyError
from search.page import Group
from search.plan import epochs_of, group_sizes, plan
from search.searcher import job
from search.study import Study
from tests.search import fakes
from trainables.data.load import load
from trainables.engine import sizing
from trainables.home import Home
from trainables.job import Configuration

DATA = {"name": "digits", "fraction": 0.3}
SMALL = {"data": DATA, "net": {"name": "mlp", "width": 16}, "training": {"epochs": 40, "batch": 32}}


@pytest.fixture(scope="module")
def data():
    return load(**DATA)


@pytest.fixture
def timed(monkeypatch):
    """Sizes as if a member's step took 2 ms alone and 1 ms among 16."""
    found = sizing.Size(16, {1: 2.0, 4: 1.5, 16: 1.0}, "")
    monkeypatch.setattr(sizing, "sized", lambda *arguments: found)
    return found


def measured(members):
    return Measured(sizing.Size(members, {members: 1.0}, ""), 0.001, 5, 1.0, 10, 20, 30)


def test_a_plan_tries_every_method_and_counts_what_is_ahead(data, timed):
    study = fakes.study(**SMALL)
    found = plan(study, data, workers=2)
    assert [method.name for method in found.methods] == ["erm", "mixup", "sam"]
    assert [method.configurations for method in found.methods] == [1, 6, 6]
    steps = len(data.train) // 32
    for method in found.methods:
        assert method.seconds >= 40 * steps * 1e-3
        assert min(method.measured.checkpoint, method.measured.group, method.measured.evidence) > 1000
    assert found.seconds == pytest.approx(sum(one.configurations * 2 * one.seconds for one in found.methods) / 2)
    assert found.disk > 13 * 2500
    assert found.memory > 10**8
    for word in ("2 workers", "mixup", "members/s", "of memory", "of disk"):
        assert word in str(found)


def test_a_method_that_lacks_something_here_is_refused_with_what_would_do(data):
    with pytest.raises(StudyError) as raised:
        refuse_unfit(fakes.study(**SMALL, methods={"sharpdro": {}, "lost": {"perturbation": "bg-mix"}}), data)
    faults = {fault.path: fault.message for fault in raised.value.faults}
    assert set(faults) == {"methods.sharpdro", "methods.lost"}
    assert "needs data with groups" in faults["methods.sharpdro"]
    assert "needs a mixing that mixes" in faults["methods.lost"]


def test_compiling_reaches_the_workers_and_is_refused_where_there_is_no_compiler(data, monkeypatch):
    study = fakes.study(**SMALL, compile=True)
    one = Group("g", "erm", (Configuration(0, study.spaces["erm"].numbers({})),), (0,))
    assert [job(made, one, "").setting(data).compiled for made in (study, fakes.study(**SMALL))] == [True, False]
    assert Study.parse(study.dump()) == study
    refuse_unfit(study, data)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(StudyError, match=r"compile: needs a C\+\+ compiler .* leave compile out"):
        refuse_unfit(study, data)
    refuse_unfit(fakes.study(**SMALL), data)


def test_a_net_that_does_not_fit_the_data_is_refused_alone():
    study = fakes.study(data={"name": "gaussians"}, net={"name": "cnn"}, methods={"bg-mix": {}})
    with pytest.raises(StudyError, match="net: cnn needs pictures") as raised:
        refuse_unfit(study, load("gaussians"))
    assert len(raised.value.faults) == 1


def test_a_method_that_cannot_run_is_refused(data, monkeypatch):
    def broken(*arguments):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(sizing, "sized", broken)
    with pytest.raises(StudyError, match=r"methods\.erm: does not run: RuntimeError: shapes do not match"):
        plan(fakes.study(**SMALL), data)


def test_halving_trains_only_what_is_kept():
    assert epochs_of(fakes.study(training={"epochs": 30})) == 30
    halved = fakes.study(training={"epochs": 30}, halving={"rungs": [5, 15], "keep": 0.5})
    assert epochs_of(halved) == pytest.approx(5 + 10 * 0.5 + 15 * 0.25)


@pytest.mark.parametrize(
    ("group", "budget", "fast", "members"), [("auto", 200, 64, 64), ("auto", 100, 1, 12), ("auto", 6, 64, 2), (6, 100, 64, 6)]
)
def test_groups_are_as_large_as_is_fast_and_the_budget_allows(group, budget, fast, members):
    study = fakes.study(group=group, budget={"configurations": budget})
    assert group_sizes(study, {"sam": fast}) == {"sam": members}


def test_what_came_of_a_plan_is_said_beside_it(tmp_path, data, timed):
    home = Home(str(tmp_path))
    assert recall(home) is None
    found = plan(fakes.study(**SMALL, group="auto"), data, workers=2)
    remember(home, found.ahead)
    ahead = recall(home)
    assert ahead is not None
    assert ahead.seconds == pytest.approx(found.seconds)
    assert json.loads((tmp_path / "plan.json").read_text())["sizes"] == {"erm": 2, "mixup": 2, "sam": 2}
    said = comparison(Ahead({}, 100.0, 10**9, 10**6), 150.0, 5 * 10**8, 10**6)
    time, memory, disk = said.removeprefix("took ").split("), ")
    assert time == "2 min 30 s (forecast 1 min 40 s, +50%"
    assert memory == "500 MB of memory a worker (forecast 1 GB, -50%"
    assert disk == "1 MB of disk (forecast 1 MB, +0%)"


def test_figures_are_said_as_people_say_them():
    assert [duration(seconds) for seconds in (3.4, 59.4, 90, 3599, 7500)] == ["3 s", "59 s", "1 min 30 s", "59 min 59 s", "2 h 5 min"]
    assert [size(count) for count in (5, 2000, 5e6, 2.5e9, 3e12, 4e15)] == ["5 B", "2 kB", "5 MB", "2.5 GB", "3 TB", "4e+03 TB"]
