"""Which kind of device a group is for, and how large it is there; what an autoscaler hears of groups that wait."""

import json

import pytest
import ray
from ray.autoscaler.v2.sdk import get_cluster_status

from search import demand, devices
from search.cluster import cluster
from search.demand import Demand
from search.devices import Devices
from search.plan import sizes_here
from search.searcher import GroupSearcher
from tests.search import fakes
from trainables.home import Home


def node(number, kind=None, cpus=2.0, alive=True):
    types = {f"accelerator_type:{kind}": 1.0} if kind else {}
    return {"NodeID": str(number), "NodeManagerAddress": f"10.0.0.{number}", "Alive": alive, "Resources": {"CPU": cpus, **types}}


@pytest.fixture
def there(monkeypatch):
    """The machines of a cluster, to be set."""
    found = []
    monkeypatch.setattr(ray, "nodes", lambda: list(found))
    monkeypatch.setattr(devices, "EVERY", 0.0)
    return found


@pytest.fixture
def told():
    return []


def looking(tmp_path, told, **changes):
    return Devices(fakes.study(group="auto", **changes), Home(str(tmp_path)), lambda kind, text: told.append(text))


def test_with_one_kind_one_group_more_than_there_is_room_for_is_handed_out(there, tmp_path, told):
    found = looking(tmp_path, told)
    assert [found.free({}), found.free({"": 1}), found.free({"": 2})] == ["", "", None], "a cluster without machines hears of two"
    there += [node(1), node(2, cpus=1.0), node(3, alive=False)]
    assert found.rooms() == {"": 3}
    assert found.free({"": 3}) == ""
    assert found.free({"": 4}) is None


def test_with_several_kinds_a_group_waits_until_it_is_known_where_it_runs(there, tmp_path, told):
    found = looking(tmp_path, told)
    there += [node(1, "A"), node(2, "B", cpus=1.0), node(3, "C", cpus=0.5)]
    assert found.rooms() == {"A": 2, "B": 1}, "C has no room for a group"
    assert found.free({"A": 1}) in {"A", "B"}
    assert found.free({"A": 2}) == "B"
    assert found.free({"A": 2, "B": 1}) is None
    assert [found.at("10.0.0.2"), found.at("10.0.0.9")] == ["B", ""]


def test_each_kind_gets_groups_of_its_own_size(there, tmp_path, told, monkeypatch):
    methods = ("erm", "mixup", "sam")
    Home(str(tmp_path)).write(devices.FILE, json.dumps({"A": dict.fromkeys(methods, 8), "B": dict.fromkeys(methods, 2)}).encode())
    there += [node(1, "A", cpus=1.0), node(2, "B", cpus=1.0)]
    ledger = fakes.opened(tmp_path, fakes.study(group="auto", budget={"configurations": 40}))
    searcher = GroupSearcher(ledger, Home(str(tmp_path)), str(tmp_path), lambda kind, text: None, lambda: 9)
    searcher.devices = looking(tmp_path, told)
    for trial in ("erm", "first", "second"):
        searcher.suggest(trial)
        if trial == "erm":  # one configuration, whatever the size
            searcher.running.pop(trial)
    sizes = {searcher.kinds[trial]: len(searcher.running[trial].configurations) * 2 for trial in ("first", "second")}
    assert sizes == {"A": 8, "B": 2}
    assert searcher.suggest("third") is None
    searcher.on_trial_result("first", {"node_ip": "10.0.0.2" if searcher.kinds["first"] == "A" else "10.0.0.1"})
    assert len({searcher.kinds[trial] for trial in ("first", "second")}) == 1, "where it runs is heard from the group itself"


@pytest.fixture(scope="module")
def one_processor():
    """A Ray of one processor."""
    with cluster(processors=1):
        yield ray.get_runtime_context().gcs_address


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_an_autoscaler_hears_of_groups_that_wait_and_room_that_is_got_is_given_back(one_processor, monkeypatch):
    def heard():
        asked = get_cluster_status(one_processor).resource_demands.placement_group_demand
        return sum(one.count for group in asked for one in group.bundles_by_count)

    def within(condition):
        for _ in range(200):
            if condition():
                return True
            ray.wait([ray.put(0)], timeout=0.1)
            demand.time.sleep(0.1)
        return False

    monkeypatch.setattr(demand, "EVERY", 0.0)
    shown = Demand(2, 0)
    shown.show(3)
    assert within(lambda: heard() == 3), "two processors are nowhere"
    shown.show(1)
    assert within(lambda: heard() == 1)
    shown.clear()
    assert within(lambda: heard() == 0)
    fitting = Demand(1, 0)
    fitting.show(1)
    assert within(lambda: ray.available_resources().get("CPU", 0) == 0), "it has got the one that there is"
    fitting.show(0)
    assert within(lambda: ray.available_resources().get("CPU", 0) == 1)
    assert fitting.shown == []


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_new_kind_is_timed_once_on_one_of_its_machines(one_processor, tmp_path, told, monkeypatch):
    net = {"net": {"name": "mlp", "width": 8}, "data": {"name": "digits", "fraction": 0.2}, "methods": {"softad": {}}}
    found = looking(tmp_path, told, **net)
    found.begin(lambda: False)
    assert found.sizes[""].keys() == {"erm", "softad"}
    assert min(found.sizes[""].values()) >= 1
    assert json.loads((tmp_path / devices.FILE).read_text()) == found.sizes
    assert sizes_here(fakes.study(group="auto", **net).dump()).keys() == {"erm", "softad"}
    again = looking(tmp_path, told, **net)
    again.begin(lambda: False)
    assert (again.sizes, again._asked) == (found.sizes, {})
    assert [text.partition(" on ")[0] for text in told] == ["timing groups of every method", told[1].partition(" on ")[0]]
