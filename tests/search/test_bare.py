import subprocess
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from ray._private import node, services, worker

from search import bare


def test_the_silent_agent_stays_until_the_other_end_of_its_pipe_is_closed():
    agent = subprocess.Popen(bare.SILENT, stdin=subprocess.PIPE)
    with pytest.raises(subprocess.TimeoutExpired):
        agent.wait(0.5)
    agent.communicate(timeout=10)
    assert agent.returncode == 0


def test_raylet_is_told_of_the_silent_agent_and_of_nothing_else_that_is_new(tmp_path, monkeypatch):
    commands = []

    def start(command):
        commands.append(command)

    def start_raylet(self, store):
        start_process: Any = services.start_ray_process
        start_process(["raylet", "--dashboard_agent_command=python agent.py", f"--store={store}"])

    monkeypatch.setattr(services, "start_ray_process", start)
    monkeypatch.setattr(node.Node, "start_raylet", start_raylet)
    with bare.bare():
        one: Any = node.Node.__new__(node.Node)
        one._session_dir, one._node_id = str(tmp_path), "0" * 56
        one.start_raylet("here")
    [[raylet, agent, store]] = commands
    assert (raylet, store) == ("raylet", "--store=here")
    assert agent.startswith("--dashboard_agent_command=")
    assert "sys.stdin.read()" in agent
    assert services.start_ray_process is start
    assert {path.name.rpartition("_")[0]: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(bare.PORTS, "-1")


def test_a_ray_that_is_not_known_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(ray, "__version__", "2.61.0")
    whole = node.Node
    with bare.bare() as config:
        assert (config, node.Node) == ({}, whole)


def test_what_ray_starts_elsewhere_is_whole_again():
    whole, core = node.Node, bare._RAYLET.CoreWorker
    with bare.bare():
        assert node.Node is not whole
        assert bare._RAYLET.CoreWorker is not core
    assert node.Node is whole
    assert bare._RAYLET.CoreWorker is core


def test_a_driver_does_not_connect_to_a_ray_of_which_a_process_has_died(monkeypatch):
    """Ray would end the driver itself."""
    started = SimpleNamespace(dead_processes=lambda: [("raylet", None)])
    monkeypatch.setattr(worker, "_global_node", started)
    monkeypatch.setattr(bare, "_CORE", lambda *arguments: arguments)
    monkeypatch.setattr(bare._RAYLET, "CoreWorker", bare._RAYLET.CoreWorker)  # `bare` leaves there what it takes for Ray's own
    with bare.bare():
        with pytest.raises(RuntimeError, match="raylet died"):
            bare._RAYLET.CoreWorker("driver")
        started.dead_processes = list
        assert bare._RAYLET.CoreWorker("driver") == ("driver",)
