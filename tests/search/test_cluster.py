import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import ray
from ray import tune
from ray.air._internal import usage
from ray.exceptions import AuthenticationError, RayActorError

from search.cluster import RayGone, cluster, environment
from search.errors import UserError
from search.pulse import machine_lost
from tests.faults import processes
from tests.search.postgres import free_port


def test_a_ray_that_does_not_come_up_is_one_that_is_gone(monkeypatch):
    def init(**options):
        raise Exception("The current node timed out during startup.\nmore")  # noqa: TRY002 it is what Ray raises

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(RayGone, match=r"could not be started \(The current node timed out during startup\.\)$"), cluster():
        pass


def test_tune_imports_no_tracker_that_happens_to_be_installed(monkeypatch):
    trackers = "ray.air.integrations.mlflow"
    monkeypatch.delitem(sys.modules, trackers, raising=False)
    counted = usage.tag_callbacks
    with environment():
        usage.tag_callbacks([tune.Callback()])
    assert trackers not in sys.modules
    assert usage.tag_callbacks is counted


class TaskError(Exception):
    def __init__(self, cause):
        self.cause = cause


def test_a_worker_that_died_with_its_machine_is_told_from_one_that_died_by_itself(monkeypatch):
    monkeypatch.setattr(ray, "nodes", list)
    gone = RayActorError(error_msg="The actor died because its node has died. Node Id: 00ff")
    assert machine_lost(gone, set())
    assert machine_lost(TaskError(gone), set())
    assert machine_lost(RayActorError(error_msg="the machine was taken back", preempted=True), set())
    assert not machine_lost(RayActorError(error_msg="The actor died unexpectedly: worker process exited with SIGKILL"), set())
    assert not machine_lost(ValueError("its node has died"), set())
    assert not machine_lost(None, set())


def test_a_machine_that_ray_has_not_missed_yet_is_asked_itself(monkeypatch):
    unreachable = RayActorError(error_msg="The actor is temporarily unavailable: RPC error: Socket closed")
    with socket.create_server(("127.0.0.1", 0)) as there:
        alive = {"NodeID": "a", "Alive": True, "NodeManagerAddress": "127.0.0.1", "NodeManagerPort": there.getsockname()[1]}
        silent = {"NodeID": "b", "Alive": True, "NodeManagerAddress": "127.0.0.1", "NodeManagerPort": free_port()}
        long_dead = {"NodeID": "c", "Alive": False, "NodeManagerAddress": "127.0.0.1", "NodeManagerPort": 1}
        monkeypatch.setattr(ray, "nodes", lambda: [alive, silent, long_dead])
        assert machine_lost(unreachable, {"a", "b"})
        assert machine_lost(unreachable, {"a", "c"}), "it has died since it was seen"
        assert not machine_lost(unreachable, {"a"})


def test_where_nobody_answers_a_token_that_may_be_missing_is_thought_of(monkeypatch):
    def init(**options):
        raise ConnectionError("Failed to connect")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    with (
        pytest.raises(UserError, match=r"there is no Ray cluster; .*; where it has a token, `export RAY_AUTH_MODE=token` first"),
        cluster("h:1"),
    ):
        pass
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    with pytest.raises(UserError, match=r"or leave --address out$"), cluster("h:1"):
        pass


def test_a_cluster_that_wants_a_token_says_so_in_one_line(monkeypatch):
    def init(**options):
        raise AuthenticationError("Authentication failed: no token")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(UserError, match=r"^--address 10\.0\.0\.1:6379: the Ray cluster must be shown its token"), cluster("10.0.0.1:6379"):
        pass


def listening(pids):
    """Addresses, as the kernel writes them, that these processes listen to."""
    held, found = set(), set()
    for fd in (fd for pid in pids for fd in Path(f"/proc/{pid}/fd").iterdir()):
        with suppress(OSError):  # closed meanwhile
            held.add(str(fd.readlink()))
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in held:
                found.add(words[1].partition(":")[0])
    return found


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_a_ray_of_our_own_listens_to_this_machine_alone():
    with cluster(processors=1):
        ray.get(ray.remote(lambda: 1).remote())  # a worker listens, too
        found = listening([os.getpid(), *processes.descendants(os.getpid())])
    assert found
    assert found <= {"0100007F", "0000000000000000FFFF00000100007F"}, "127.0.0.1, and the same as IPv6 has it"
