"""What search and ledger cost by themselves: configurations asked and told with nothing trained.

    python benchmarks/ledger.py --configurations 10000 --sampler tpe

Prints milliseconds a configuration by how many there are already, split into the sampler's own time (proposals over the model in
memory) and the ledger's (everything else), and the driver's memory. The sampler's growth is its own; the ledger's must not grow faster.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from search.ledger import Ledger
from search.page import Group
from search.sampling import Sampling
from search.storage import connect
from search.study import Study
from trainables.draws import stream
from trainables.evidence import COMPLETE, Evidence

EXAMPLES = 300
GROUP = 16


class Timed:
    """A sampling whose proposals and lessons are timed."""

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.sampling, name)
        if not callable(method):
            return method

        def call(*arguments: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return method(*arguments, **options)
            finally:
                self.seconds += time.perf_counter() - began

        return call


def study(configurations: int, sampler: str) -> Study:
    """One method of two knobs beside erm, all three objectives."""
    return Study.model_validate(
        {
            "name": "bench",
            "methods": {"g-mix": {}},
            "seeds": 2,
            "budget": {"configurations": configurations},
            "sampler": sampler,
            "net": {"name": "mlp"},
        }
    )


def members(group: Group, draws: np.random.Generator) -> list[Evidence]:
    """Evidence whose scores follow from the numbers, with some noise."""
    found = []
    for configuration in group.configurations:
        level = 0.9 - 0.05 * abs(np.log(configuration.numbers["rho"] / 0.1)) - 0.02 * abs(np.log(configuration.numbers["alpha"]))
        for seed in group.seeds:
            predictions = draws.integers(0, 10, EXAMPLES).astype(np.int16)
            accuracy, tail = (float(np.clip(level - drop + 0.01 * draws.normal(), 0, 1)) for drop in (0, 0.1))
            losses = np.zeros(EXAMPLES, np.float32)
            found.append(
                Evidence(
                    "bench",
                    group.method,
                    configuration.number,
                    seed,
                    group.name,
                    COMPLETE,
                    1,
                    "selection",
                    configuration.numbers,
                    accuracy,
                    tail,
                    1.0,
                    0.0,
                    "cpu",
                    losses,
                    predictions,
                )
            )
    return found


def run(url: str, configurations: int, sampler: str, every: int) -> list[dict[str, float]]:
    """Ask and tell; a row a stretch of configurations."""
    ledger = Ledger(study(configurations, sampler), connect(url))
    page = ledger.pages["g-mix"]
    timed = Timed(page.sampling) if page.sampling else None
    page.sampling = timed  # pyright: ignore[reportAttributeAccessIssue] it answers to the same calls
    draws, rows = stream(0, "benchmark"), []
    began, sampled, done = time.perf_counter(), 0.0, 0
    while (group := ledger.ask("g-mix", GROUP)) is not None:
        ledger.settle(group, members(group, draws))
        ledger.in_flight()
        if len(page.entries) >= done + every or len(page.entries) == configurations:
            now, count = time.perf_counter(), len(page.entries) - done
            total, own = (now - began) / count * 1000, ((timed.seconds if timed else 0.0) - sampled) / count * 1000
            rows.append({"configurations": len(page.entries), "total": total, "sampler": own, "ledger": total - own, "memory": memory()})
            show(rows[-1])
            began, sampled, done = time.perf_counter(), timed.seconds if timed else 0.0, len(page.entries)
    began = time.perf_counter()
    Ledger(study(configurations, sampler), connect(url))
    sys.stdout.write(f"opened again in {time.perf_counter() - began:.1f} s\n")
    return rows


def memory() -> float:
    """The process' peak memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def show(row: dict[str, float]) -> None:
    """Print a row."""
    times = f"{row['total']:7.1f} ms a configuration: sampler {row['sampler']:7.1f}, ledger {row['ledger']:6.1f}"
    sys.stdout.write(f"{row['configurations']:6.0f} configurations  {times};  {row['memory']:5.0f} MB\n")
    sys.stdout.flush()


def main() -> None:
    """The benchmark as one command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configurations", type=int, default=10_000)
    parser.add_argument("--sampler", default="tpe")
    parser.add_argument("--every", type=int, default=1000)
    parser.add_argument("--ledger", help="a database's URL; an SQLite file of its own by default")
    parser.add_argument("--json", type=Path, help="write the rows here, too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = run(asked.ledger or f"sqlite:///{folder}/ledger.db", asked.configurations, asked.sampler, asked.every)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
