"""A command timed from its start to its end, and the processor time of all processes that it starts."""

import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

MARK = "BENCHMARK_RUN"
"""Environment variable that tells a run's processes from others: Ray's are not their driver's children for long."""

EVERY = 0.2
"""Seconds between two looks at the processes."""


class Taken(NamedTuple):
    """What a command took: when it began (seconds since the epoch), seconds by the clock, and seconds of processors."""

    began: float
    seconds: float
    processor: float


def timed(command: Sequence[str], environment: Mapping[str, str]) -> Taken:
    """Run a command to its end.

    Processor time is looked up every so often, so that a process' last moments are missing; on a system without /proc it is 0.

    Raises:
        RuntimeError: If it fails; the message ends with the last of what it said.
    """
    mark = f"{MARK}={uuid.uuid4().hex}"
    given = {**os.environ, **environment, **dict([mark.split("=")])}
    used: dict[int, float] = {}
    with tempfile.TemporaryFile() as said:
        began, clock = time.time(), time.perf_counter()
        process = subprocess.Popen(command, env=given, stdout=said, stderr=subprocess.STDOUT)
        while process.poll() is None:
            used |= _processes(mark.encode())
            with suppress(subprocess.TimeoutExpired):
                process.wait(EVERY)
        seconds = time.perf_counter() - clock
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{' '.join(command)} must end well, it ended with {process.returncode}: {said.read().decode()[-2000:]}")
    return Taken(began, seconds, sum(used.values()))


def _processes(mark: bytes) -> dict[int, float]:
    """Processor seconds of each process that has the mark, its threads' included."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                found[int(folder.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found
