"""What all measurements share: fair timing, the machine they were taken on, tables and JSON.

What is compared takes turns within one run, so that a busy machine is as busy for all; figures are medians over the rounds. On a CPU the
time is the thread's own (`thread_time`), in which other programs on the machine count as little as they can; on a GPU it is the clock's.
"""

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np
import torch

torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results"
SIDES = {"cpu": (256, 512, 1024), "cuda": (4096, 8192)}
"""Square matrices whose product shows a device's best rate."""


def clock(device: str) -> float:
    """Seconds on the clock by which work on a device is timed; waits for a GPU."""
    if device == "cpu":
        return time.thread_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def in_turns(subjects: Mapping[str, Callable[[], int]], rounds: int, device: str = "cpu") -> dict[str, list[float]]:
    """Seconds a unit of work of each subject in each round; a subject does some work and says how many. The first round is left out."""
    taken: dict[str, list[float]] = {name: [] for name in subjects}
    for number in range(rounds + 1):
        for name, work in subjects.items():
            began = clock(device)
            units = work()
            if number:
                taken[name].append((clock(device) - began) / units)
    return taken


def ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    """How many times as fast: the median of the rounds' ratios."""
    return median(one / other for one, other in zip(slow, fast, strict=True))


def peak(device: str = "cpu", dtype: torch.dtype = torch.float32, repetitions: int = 10) -> float:
    """Operations a second of the best matrix product found, multiplication and addition counted apart."""
    best = 0.0
    for side in SIDES[torch.device(device).type]:
        left, right = (torch.ones(side, side, dtype=dtype, device=device) for _ in range(2))
        out = torch.empty_like(left)
        torch.mm(left, right, out=out)
        for _ in range(repetitions):
            began = clock(device)
            torch.mm(left, right, out=out)
            best = max(best, 2 * side**3 / (clock(device) - began))
    return best


def machine(device: str = "cpu") -> dict[str, Any]:
    """What the figures depend on beside the program."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": device if device == "cpu" else torch.cuda.get_device_name(device),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "revision": _revision(),
    }


def report(name: str, about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], out: str | None) -> None:
    """Print the rows as a table; write it, and the rows with what they depend on, to files: `out`, or those of the measurement's name."""
    head = f"{name}: " + ", ".join(f"{key} {_shown(value)}" for key, value in about.items())
    path = Path(out) if out else RESULTS / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"about": dict(about), "rows": [dict(row) for row in rows]}, indent=1) + "\n")
    path.with_suffix(".txt").write_text(f"{head}\n\n{table(rows)}\n")
    print(f"\n{head}\n{table(rows)}\nwritten to {path}")


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows in columns, words to the left, numbers to the right; lists, as of rounds, are for the JSON."""
    heads = list(dict.fromkeys(key for row in rows for key, value in row.items() if not isinstance(value, list)))
    cells = [[_shown(row.get(head, "")) for head in heads] for row in rows]
    widths = [max(len(head), *(len(line[place]) for line in cells)) for place, head in enumerate(heads)]
    words = [all(isinstance(row.get(head, ""), str) for row in rows) for head in heads]

    def line(values: Sequence[str]) -> str:
        placed = (value.ljust(width) if word else value.rjust(width) for value, width, word in zip(values, widths, words, strict=True))
        return "  ".join(placed).rstrip()

    return "\n".join([line(heads), *(line(one) for one in cells)])


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _revision() -> str:
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=False)
    return asked.stdout.strip() or "unknown"
