"""A Ray of our own without what nobody asks: the stub of its dashboard with an agent, the autoscaler's monitor, the monitor of logs.

They are four Python processes beside the one that Ray needs. Raylet waits until its agents have told their ports before it starts a worker,
and for one second in vain for the autoscaler's monitor to end. And it sees whether Raylet still lives before the driver connects to it.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import ray
from ray._private import node, services, worker

KNOWN = "2.60."
"""Versions of Ray that are known to do without. Another one is left as it is."""

PORTS = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port")
"""Files by which the dashboard's agent tells Raylet its ports; -1 says that there is none."""

AGENT = "--dashboard_agent_command="

SILENT = [sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()"]
"""What Raylet watches in the agent's place, since it ends with its agents: something that ends when Raylet's end of a pipe does."""

CONFIG = {"enable_pipe_based_agent_to_parent_health_check": True}
"""Has Raylet give its agents that pipe."""


class _Bare(node.Node):
    def start_monitor(self) -> None:
        """No autoscaler: there is this one machine."""

    def start_log_monitor(self) -> None:
        """Nobody reads along: a worker's last lines are looked up when it has died."""

    def start_api_server(self, **options: Any) -> None:
        """No dashboard, not even its stub."""
        self._webui_url = ""

    def start_raylet(self, *arguments: Any, **options: Any) -> None:
        """Raylet with an agent that has nothing to say."""
        for name in PORTS:
            Path(self._session_dir, f"{name}_{self._node_id}").write_text("-1")
        start = services.start_ray_process
        services.start_ray_process = lambda command, *rest, **more: start(_silenced(command), *rest, **more)
        try:
            super().start_raylet(*arguments, **options)
        finally:
            services.start_ray_process = start


def _silenced(command: Sequence[str]) -> list[str]:
    """Raylet's command with another agent."""
    return [f"{AGENT}{subprocess.list2cmdline(SILENT)}" if word.startswith(AGENT) else word for word in command]


def _connected(*arguments: Any, **options: Any) -> Any:
    """The driver's end of Ray.

    Raises:
        RuntimeError: If a process of Ray's has died since it was started; Ray would end this one, with nothing that could be caught.
    """
    started: Any = worker._global_node  # noqa: SLF001 where `ray.init` keeps what it starts
    dead = [kind for kind, _ in started.dead_processes()] if started else []
    if dead:
        raise RuntimeError(f"{', '.join(dead)} died")
    return _CORE(*arguments, **options)


_RAYLET: Any = import_module("ray._raylet")  # compiled; where `ray.init` finds it
_CORE = _RAYLET.CoreWorker


@contextmanager
def bare() -> Iterator[dict[str, bool]]:
    """Have what `ray.init` starts be bare, where that is known to work: what to tell it as `_system_config`."""
    if sys.platform != "linux" or not ray.__version__.startswith(KNOWN):
        yield {}
        return
    whole, node.Node = node.Node, _Bare
    _RAYLET.CoreWorker = _connected
    try:
        yield CONFIG
    finally:
        node.Node, _RAYLET.CoreWorker = whole, _CORE
