"""Time and memory of ranking and report at 1,000, 10,000 and 100,000 configurations of 5 seeds.

    python -m benchmarks.report [--sizes 1000 10000 100000] [--examples 360] [--keep DIR] [--out FILE]

Evidence is synthetic: six methods, 360 examples, 30 epochs, a hundred configurations a file. Each report runs in a process of its own;
its time is that of `analysis.report`, which loads and ranks again, imports excluded. Memory is the most that this process and the one
that writes its figures held at one time, looked at fifty times a second: the kernel's own peak of a child begins with its parent's, and
would count that twice. Where the machine is shared, the processors' time says more than the clock's.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import measure
from tests.analysis import synthetic

LIMITS = {1_000: (10.0, 2000e6 / 2**20), 100_000: (60.0, 2000e6 / 2**20)}
"""Seconds and MiB that must not be exceeded: 2 GB."""

SEEDS = 5

MEASURED = """
import os, sys, threading, time
import optuna.importance, analysis

def held(process):
    try:
        with open(f"/proc/{process}/status") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("VmRSS")), 0)
    except OSError:
        return 0

def watch():
    global peak
    while True:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            peak = max(peak, held("self") + sum(map(held, file.read().split())))
        time.sleep(0.02)

peak = 0
threading.Thread(target=watch, daemon=True).start()
start = time.perf_counter()
table = analysis.load(sys.argv[1])
loaded = time.perf_counter()
analysis.rank(table)
ranked, worked = time.perf_counter(), sum(os.times()[:4])
del table
analysis.report(sys.argv[1])
done, finished = time.perf_counter(), sum(os.times()[:4])
print(loaded - start, ranked - loaded, done - ranked, finished - worked, peak / 1024)
"""


def main() -> int:
    """Print and write a row a size; returns 1 if a limit was exceeded."""
    options = _options()
    about = {**measure.machine(), "command": "python -m benchmarks.report", "seeds": SEEDS, "examples": options.examples}
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for size in options.sizes:
            home = Path(options.keep or scratch) / f"study-{size}"
            _written(home, size, options.examples)
            rows.append({"configurations": size, "members": SEEDS * size, "load": os.getloadavg()[0], **_measured(home), **_limit(size)})
            rows[-1]["kept"] = _kept(rows[-1])
    measure.report("report", about, rows, options.out)
    return int(not all(row["kept"] for row in rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="configurations of each study")
    parser.add_argument("--examples", type=int, default=360, help="examples of the selection split")
    parser.add_argument("--keep", help="folder to leave the studies in, and to find them again")
    parser.add_argument("--out", help="file for the figures; docs/results/report.json by default")
    return parser.parse_args()


def _limit(size: int) -> dict[str, float]:
    return dict(zip(("limit_s", "limit_MiB"), LIMITS[size], strict=True)) if size in LIMITS else {}


def _kept(row: dict[str, Any]) -> bool:
    """Whether the row lies within its limits; true where there are none."""
    return row["report_s"] < row.get("limit_s", float("inf")) and row["peak_MiB"] < row.get("limit_MiB", float("inf"))


def _written(home: Path, size: int, examples: int) -> None:
    if not home.exists():
        others = [method for method in synthetic.METHODS if method != "erm"]
        counts = {
            "erm": 1,
            **{method: (size - 1) // len(others) + (place < (size - 1) % len(others)) for place, method in enumerate(others)},
        }
        synthetic.study(home, counts, synthetic.World(examples=examples, seeds=SEEDS, failure=0.005, group=100))


def _measured(home: Path) -> dict[str, float]:
    found = subprocess.run([sys.executable, "-c", MEASURED, str(home)], cwd=measure.ROOT, check=True, capture_output=True, text=True)
    names = ("load_s", "rank_s", "report_s", "report_cpu_s", "peak_MiB")
    return dict(zip(names, (float(word) for word in found.stdout.split()), strict=True))


if __name__ == "__main__":
    sys.exit(main())
