"""Time and memory of ranking and report at 1,000, 10,000 and 100,000 configurations of 5 seeds.

    python benchmarks/report.py [--sizes 1000 10000 100000] [--examples 360] [--keep DIR]

Evidence is synthetic: six methods, 360 examples, 30 epochs, a hundred configurations a file. Each report runs in a process of its own;
its time is that of `analysis.report`, which loads and ranks again, imports excluded; memory is the peaks of that process and of
the one that writes its figures together. Where the machine is shared, the processors' time says more than the clock's.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

ROOT = Path(__file__).resolve().parents[1]
LIMITS = {1_000: (10.0, 2048.0), 100_000: (60.0, 2048.0)}
"""Seconds and MiB that must not be exceeded."""

MEASURED = """
import os, resource, sys, time
import optuna.importance, analysis
start = time.perf_counter()
table = analysis.load(sys.argv[1])
loaded = time.perf_counter()
analysis.rank(table)
ranked, worked = time.perf_counter(), sum(os.times()[:4])
analysis.report(sys.argv[1])
done, finished = time.perf_counter(), sum(os.times()[:4])
memory = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
print(loaded - start, ranked - loaded, done - ranked, finished - worked, memory)
"""


def main() -> int:
    """Print a row a size; returns 1 if a limit was exceeded."""
    options = _options()
    print(
        f"{'configurations':>14} {'members':>9} {'written s':>9} {'load s':>7} {'rank s':>7} {'report s':>8} {'of CPU':>7} "
        f"{'peak MiB':>8}  limits"
    )
    exceeded = False
    with tempfile.TemporaryDirectory() as scratch:
        for size in options.sizes:
            home = Path(options.keep or scratch) / f"study-{size}"
            written = _written(home, size, options.examples)
            load, rank, report, processor, memory = _measured(home)
            limit = LIMITS.get(size)
            kept = limit is None or (report < limit[0] and memory < limit[1])
            exceeded |= not kept
            told = "" if limit is None else f"{limit[0]:.0f} s, {limit[1]:.0f} MiB: {'kept' if kept else 'EXCEEDED'}"
            print(
                f"{size:>14,} {5 * size:>9,} {written:>9.1f} {load:>7.1f} {rank:>7.1f} {report:>8.1f} {processor:>7.1f} {memory:>8.0f}  "
                f"{told}",
                flush=True,
            )
    return int(exceeded)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="configurations of each study")
    parser.add_argument("--examples", type=int, default=360, help="examples of the selection split")
    parser.add_argument("--keep", help="folder to leave the studies in, and to find them again")
    return parser.parse_args()


def _written(home: Path, size: int, examples: int) -> float:
    sys.path.insert(0, str(ROOT))
    from tests.analysis import synthetic

    start = time.perf_counter()
    if not home.exists():
        others = [method for method in synthetic.METHODS if method != "erm"]
        counts = {
            "erm": 1,
            **{method: (size - 1) // len(others) + (place < (size - 1) % len(others)) for place, method in enumerate(others)},
        }
        synthetic.study(home, counts, synthetic.World(examples=examples, seeds=5, failure=0.005, group=100))
    return time.perf_counter() - start


def _measured(home: Path) -> list[float]:
    found = subprocess.run([sys.executable, "-c", MEASURED, str(home)], cwd=ROOT, check=True, capture_output=True, text=True)
    return [float(word) for word in found.stdout.split()]


if __name__ == "__main__":
    sys.exit(main())
