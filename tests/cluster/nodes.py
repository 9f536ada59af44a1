"""A Ray cluster of several nodes on one machine: each a `ray start` of its own, with its own address, ports and folder.

A node has an address of its own on the loopback device (127.0.0.1, 127.0.0.2, ...), so that it can be told from the others by name. It is
killed by killing every process that it started, at once, as a machine that loses its power would.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.faults import processes
from tests.search.postgres import free_port

RAY = str(Path(sys.executable).with_name("ray"))
STORE = 80 * 2**20
"""Bytes of a node's object store: Ray's least, since there may be five nodes."""

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_health_check_initial_delay_ms": "0",
    "RAY_health_check_period_ms": "1000",  # a node that died is noticed after five seconds instead of fifteen
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class Nodes:
    """The cluster. `head` starts it, `join` adds a node, `kill` takes one away, `stop` ends all of it.

    Attributes:
        port: Where the head's control store listens.
        dashboard: Where its dashboard and job server listen, if asked for.
        secret: The token without which nobody may talk to the cluster.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rc-", dir="/tmp"))  # sockets below it: a path of few letters
        self.port, self.dashboard = free_port(), free_port()
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.secret = os.urandom(32).hex()
        token = self.folder / "token"
        token.write_text(self.secret)
        token.chmod(0o600)

    @property
    def address(self) -> str:
        """As `--address` takes it."""
        return f"127.0.0.1:{self.port}"

    def head(self, *, cpus: int = 1, dashboard: bool = False, options: Sequence[str] = ()) -> None:
        """Start the first node."""
        ports = [f"--port={self.port}", f"--dashboard-port={self.dashboard}", f"--include-dashboard={dashboard}", *options]
        self._begin(1, ["--head", *ports], cpus, ())
        self._await(1)

    def join(self, *numbers: int, cpus: int = 1, within: Sequence[str] = (), options: Sequence[str] = ()) -> None:
        """Start other nodes, 127.0.0.NUMBER, at once; `within` is a command to start them under, a namespace's mostly."""
        for number in numbers:
            self._begin(number, [f"--address={self.address}", *options], cpus, within)
        for number in numbers:
            self._await(number)

    def kill(self, number: int) -> None:
        """Kill every process of a node at once."""
        process = self.processes.pop(number)
        family = [process.pid, *processes.descendants(process.pid)]
        for pid in family:
            processes.kill(pid)
        process.wait(30)
        left = processes.wait_gone(family)
        if left:
            raise AssertionError(f"processes {left} outlive their node")

    def stop(self) -> None:
        """End every node and remove what they wrote."""
        for number in sorted(self.processes, reverse=True):
            self.kill(number)
        shutil.rmtree(self.folder, ignore_errors=True)

    def workers(self, number: int) -> list[int]:
        """Processes of a node that train a group."""
        return processes.workers(self.processes[number].pid)

    @property
    def environment(self) -> dict[str, str]:
        """What processes that use the cluster should have."""
        path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
        return {**os.environ, **SETTINGS, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self.folder / "token"), "PATH": path}

    def log(self, number: int) -> str:
        """What a node's start printed."""
        return (self.folder / f"{number}.log").read_text(errors="replace")

    def _begin(self, number: int, options: list[str], cpus: int, within: Sequence[str]) -> None:
        place = self.folder / str(number)
        common = [f"--node-ip-address=127.0.0.{number}", f"--num-cpus={cpus}", f"--temp-dir={place}", f"--object-store-memory={STORE}"]
        with (self.folder / f"{number}.log").open("wb") as log:
            self.processes[number] = subprocess.Popen(
                [*within, RAY, "start", *options, *common, "--block", "--disable-usage-stats"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=self.environment,
            )

    def _await(self, number: int) -> None:
        until(lambda: self.processes[number].poll() is not None or "Ray runtime started" in self.log(number), 120, "a node does not start")
        if self.processes[number].poll() is not None:
            raise AssertionError(f"node {number} did not start: {self.log(number)[-2000:]}")


class Command:
    """An `altiplano` command in a process of its own, whose output is kept and can be waited for."""

    def __init__(self, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
        self.file = Path(tempfile.mkstemp(dir=folder, prefix="output-")[1])
        root = Path(__file__).parents[2]
        paths = {"PYTHONPATH": str(root)}
        with self.file.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "altiplano", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd or root,
                env={**os.environ, **SETTINGS, **paths, **(environment or {})},
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return self.file.read_text(errors="replace")

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """The events so far of a command with --json: of these kinds, or all."""
        found = []
        for line in self.output.splitlines():
            with suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict) and (not kinds or event.get("kind") in kinds):
                    found.append(event)
        return found

    def wait_for(self, condition: Callable[[], Any], seconds: float, words: str) -> None:
        """Wait until a condition holds while the command runs.

        Raises:
            AssertionError: If it does not within the time, or the command ends before.
        """
        until(lambda: condition() or self.process.poll() is not None, seconds, f"{words}: {self.output[-3000:]}")
        assert condition(), f"ended before: {words}: {self.output[-3000:]}"

    def ended(self, seconds: float) -> int:
        """Its exit code, waited for."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"does not end: {self.output[-3000:]}") from None

    def kill(self) -> None:
        """Kill it and whatever it started."""
        for pid in [self.process.pid, *processes.descendants(self.process.pid)]:
            processes.kill(pid)
        self.process.wait(30)

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)


def until(condition: Callable[[], Any], seconds: float, words: str) -> None:
    """Wait for a condition.

    Raises:
        AssertionError: If it does not come true within the time.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {words}")
        time.sleep(0.2)
