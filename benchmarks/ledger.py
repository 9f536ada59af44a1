"""What search and ledger cost by themselves: configurations asked and told with nothing trained.

    python -m benchmarks.ledger --configurations 10000 --sampler tpe random

Milliseconds of processor a configuration by how many there are already, split into the sampler's own (proposals over the model in memory)
and the ledger's (everything else), the clock's beside them, since a disk that flushes takes none of the processor, and the peak memory.
The sampler's growth is its own; the ledger's must not grow faster. Rows are written as they come, so that a run may be cut short.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.measure import machine, report

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

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
            began = time.process_time()
            try:
                return method(*arguments, **options)
            finally:
                self.seconds += time.process_time() - began

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


def run(url: str, configurations: int, sampler: str, every: int) -> Iterator[dict[str, Any]]:
    """Ask and tell; a row a stretch of configurations, and one for opening what there is then."""
    ledger = Ledger(study(configurations, sampler), connect(url))
    page = ledger.pages["g-mix"]
    timed = Timed(page.sampling)
    page.sampling = timed  # pyright: ignore[reportAttributeAccessIssue] it answers to the same calls
    draws = stream(0, "benchmark")
    clock, processor, sampled, done = time.perf_counter(), time.process_time(), 0.0, 0
    while (group := ledger.ask("g-mix", GROUP)) is not None:
        ledger.settle(group, members(group, draws))
        ledger.in_flight()
        if len(page.entries) >= done + every or len(page.entries) == configurations:
            taken = time.process_time() - processor, timed.seconds - sampled, time.perf_counter() - clock
            whole, own, waited = (1000 * seconds / (len(page.entries) - done) for seconds in taken)
            yield row(sampler, len(page.entries), whole, own, waited)
            clock, processor, sampled, done = time.perf_counter(), time.process_time(), timed.seconds, len(page.entries)
    clock, processor = time.perf_counter(), time.process_time()
    Ledger(study(configurations, sampler), connect(url))
    yield {"sampler": f"{sampler}, opened again", "configurations": configurations} | {
        "processor ms": 1000 * (time.process_time() - processor),
        "clock ms": 1000 * (time.perf_counter() - clock),
        "memory MB": memory(),
    }


def row(sampler: str, configurations: int, whole: float, own: float, waited: float) -> dict[str, Any]:
    """A line of the table: milliseconds a configuration."""
    return {
        "sampler": sampler,
        "configurations": configurations,
        "processor ms": whole,
        "of it sampler": own,
        "of it ledger": whole - own,
        "clock ms": waited,
        "memory MB": memory(),
    }


def memory() -> float:
    """The process' peak memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """The benchmark as one command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configurations", type=int, default=10_000)
    parser.add_argument("--sampler", nargs="+", default=["random", "tpe"])
    parser.add_argument("--every", type=int, default=1000)
    parser.add_argument("--ledger", help="a database's URL; an SQLite file of its own by default")
    parser.add_argument("--out", help="where to write the JSON; docs/results/ledger.json by default")
    asked = parser.parse_args()
    about, rows = {"group": GROUP, "seeds": 2, "objectives": 3, "machine": machine()}, []
    for sampler in asked.sampler:
        with tempfile.TemporaryDirectory() as folder:
            for found in run(asked.ledger or f"sqlite:///{folder}/ledger.db", asked.configurations, sampler, asked.every):
                rows.append(found)
                report("ledger", about, rows, asked.out)


if __name__ == "__main__":
    main()
