"""Processes that descend from one of ours, found in /proc, so that nobody else's is ever killed."""

import contextlib
import os
import signal
import time
from pathlib import Path


def descendants(root: int) -> dict[int, str]:
    """Command line of every living process below `root`."""
    parents = {pid: parent for pid in _pids() if (parent := _parent(pid)) is not None}
    found: dict[int, str] = {}
    for pid in parents:
        at = pid
        while at in parents and at != root:
            at = parents[at]
        if at == root and pid != root:
            with contextlib.suppress(OSError):
                found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return found


def workers(root: int) -> list[int]:
    """Processes below `root` that train a group."""
    return [pid for pid, command in descendants(root).items() if command.startswith("ray::") and "Trainable" in command]


def raylets(root: int) -> list[int]:
    """Raylets below `root`; one that starts a worker is there twice for a moment, and its double is none."""
    found = [pid for pid, command in descendants(root).items() if command.partition(" ")[0].endswith("raylet/raylet")]
    return [pid for pid in found if _parent(pid) not in found]


def kill(pid: int) -> None:
    """kill -9."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def wait_gone(pids: list[int], seconds: float = 30.0) -> list[int]:
    """Those of the processes that are still there after a while; a dead driver's Ray notices by itself."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(_alive(pid) for pid in pids):
        time.sleep(0.1)
    return [pid for pid in pids if _alive(pid)]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
