"""How many members to compute together, found by trying.

Members share the cost of starting operations, which dominates small nets, and compete for caches and memory, which dominates large ones.
Where the balance lies depends on method, net, batch and device, so a few sizes are timed, once: what was found is kept in the user's cache.
"""

import json
import os
import platform
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch

from trainables.data import cache
from trainables.data.examples import Data
from trainables.engine.loop import Row, Run, Setting
from trainables.engine.pace import AT_A_TIME

SIZES = (1, 4, 16, 64)
"""Members at a time that are tried, in this order."""

SLACK = 1.1
"""A smaller group is taken where it is at most so many times as slow as the fastest: it is handed out and resumed in finer steps."""

GAIN = 0.95
"""Share of the fastest time so far that a size must not exceed for a larger one to be tried."""

SECONDS = 5.0
"""No further size is begun after so long."""

ROUNDS, STEPS = 2, 2
"""Timed epochs of each size, of which the faster counts, and steps of each."""

MEMORY_SHARE = 0.5
"""Share of the free memory that a group may take."""


class Size(NamedTuple):
    """A choice and its grounds: members at a time, milliseconds of a member's step at each size tried, and both in words."""

    members: int
    milliseconds: dict[int, float]
    why: str


def sized(setting: Setting, data: Data, numbers: Mapping[str, float], name: str, remembered: Path | None = None) -> Size:
    """How many members of a method, net and batch to compute at a time on a device.

    Args:
        setting: What they share.
        data: What they are trained on; two batches of it are used.
        numbers: A configuration.
        name: Tells method, options, net and batch from others; device, precision, threads and torch's version are added.
        remembered: The file in which choices are kept, by default one in the user's cache.
    """
    file = remembered or cache.folder() / "sizes.json"
    threads = f"{torch.get_num_threads()} threads"
    key = " | ".join((name, _device(setting.device), threads, str(setting.dtype), f"torch {torch.__version__}"))
    known = _read(file).get(key)
    if known is None:
        found = tried(setting, data, numbers)
        _write(file, {**_read(file), key: {str(size): value for size, value in found.items()}})
        return chosen(found)
    return chosen({int(size): float(value) for size, value in known.items()})


def tried(setting: Setting, data: Data, numbers: Mapping[str, float]) -> dict[int, float]:
    """Milliseconds of a member's step at each size, as far as memory, patience and time allow."""
    began, found = _clock(setting.device), dict[int, float]()
    seen, recorded = few(data, setting.batch), setting.device == "cpu" and setting.recorded is not False
    for size in (size for size in SIZES if size <= AT_A_TIME or not recorded):  # no more are replayed together
        run = Run.begin(replace(setting, chunk=size, recorded=recorded), seen, [Row(0, seed, numbers) for seed in range(size)])
        best = min(found.values(), default=float("inf"))
        found[size] = _milliseconds(run)
        growth = SIZES[1] // SIZES[0]
        if (
            found[size] > GAIN * best
            or _clock(setting.device) - began > SECONDS
            or growth * run.nbytes() > MEMORY_SHARE * free_memory(setting.device)
        ):
            break
    return found


def chosen(milliseconds: Mapping[int, float]) -> Size:
    """The smallest size that is hardly slower than the fastest."""
    best = min(milliseconds.values())
    members = min(size for size, value in milliseconds.items() if value <= SLACK * best)
    found = dict(milliseconds)
    if members > 1:
        return Size(members, found, f"{members} members at a time: {found[members]:.3g} ms a member's step, {found[1]:.3g} alone")
    others = "".join(f", {value:.3g} for each of {size}" for size, value in found.items() if size > 1)
    return Size(members, found, f"one member at a time: {found[1]:.3g} ms a step{others}")


def free_memory(device: str) -> float:
    """Bytes that are free on a device; without bound where the system does not say."""
    if torch.device(device).type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (ValueError, OSError):
        return float("inf")


def _milliseconds(run: Run) -> float:
    """The fastest of some short epochs after a first one, by member and step."""
    steps = len(run.data.rest if "probe" in run.setting.method.needs else run.data.train) // run.setting.batch
    run.train_epoch()
    taken = []
    for _ in range(ROUNDS):
        before = _clock(run.setting.device)
        run.train_epoch()
        taken.append(_clock(run.setting.device) - before)
    return 1e3 * min(taken) / max(steps, 1) / len(run.rows)


def _clock(device: str) -> float:
    """Seconds; on a CPU with one thread the thread's own, in which other programs count little."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
    return time.thread_time() if device == "cpu" and torch.get_num_threads() == 1 else time.perf_counter()


def few(data: Data, batch: int) -> Data:
    """The data with `STEPS` batches to train on."""
    return replace(data, train=data.train.spaced(STEPS * batch), rest=data.rest.spaced(STEPS * batch))


def _device(name: str) -> str:
    """The kind of device, by name where torch knows it."""
    return torch.cuda.get_device_name(name) if torch.device(name).type == "cuda" else f"{platform.machine()} {_processor()}"


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _read(file: Path) -> dict[str, dict[str, float]]:
    """What is remembered; nothing where the file is missing or torn."""
    with suppress(OSError, ValueError):
        found = json.loads(file.read_text())
        return found if isinstance(found, dict) else {}
    return {}


def _write(file: Path, known: Mapping[str, Mapping[str, float]]) -> None:
    """Remember it, whole or not at all; a cache that cannot be written is done without."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.{os.getpid()}")
        part.write_text(json.dumps(known, indent=1))
        part.replace(file)
