"""How much of many workers' time a driver leaves for training, from what a group, a result and a configuration cost it.

Groups of 16 configurations of six methods in turn go to workers, five to each, a result comes every so often, and one driver
serves what happens in order, one thing at a time, as ours does; a worker goes on when its result has been taken. The table says for how
much of the time the workers train; for the rest they wait for the driver. The one group that a real search hands out ahead is left out:
among many workers it hides nothing.
"""

import heapq
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

SAMPLERS = ("tpe", "random")

CONFIGURATIONS = 16
"""Of a group in the simulation."""

GROUPS_EACH = 5
"""Groups that a worker trains in the simulation, one after the other."""

METHODS = 6
"""Methods in the simulation; each has a sampler of its own, which knows its own configurations."""

CASES = ((60.0, 0.5), (60.0, 2.0), (600.0, 10.0), (3600.0, 60.0))
"""Seconds of a group in the simulation, and between two of its results; half a second is the least that workers wait."""


class Costs(NamedTuple):
    """Seconds of the driver.

    Attributes:
        group: Of handing a group out and of its end, its configurations' asking left out.
        result: Of one result.
        configuration: Of asking and telling one configuration: the ledger's part.
        proposals: How many configurations a sampler knows, and seconds of proposing one more: the sampler's part.
    """

    group: float
    result: float
    configuration: float
    proposals: tuple[tuple[float, float], ...] = ()

    def proposal(self, known: float) -> float:
        """Seconds of proposing a configuration where so many are known; beyond what was measured, on the line of the last two."""
        if not self.proposals:
            return 0.0
        counts, seconds = ([0.0, *column] for column in zip(*self.proposals, strict=True))
        rise = (seconds[-1] - seconds[-2]) / (counts[-1] - counts[-2])
        return float(np.interp(known, counts, seconds)) + max(0.0, known - counts[-1]) * max(0.0, rise)


def asked(rows: list[dict[str, Any]], sampler: str, part: str) -> tuple[tuple[float, float], ...]:
    """Configurations and seconds of one more, from benchmarks/ledger.py's rows of a sampler."""
    return tuple((row["configurations"], row[part] / 1e3) for row in rows if row["sampler"] == sampler)


def training_share(costs: Costs, workers: int, seconds: float, every: float) -> tuple[float, float]:
    """Share of the workers' time in which they train, and of the driver's in which it works.

    Args:
        costs: The driver's.
        workers: Groups at a time; with a GPU each, GPUs.
        seconds: Of a group on a worker.
        every: Seconds between two results of a group.
    """
    groups, results = GROUPS_EACH * workers, max(1, round(seconds / every))
    handed, now, worked, last = 0, 0.0, 0.0, 0.0
    events = [(0.0, number, 0) for number in range(workers)]  # when, who, results still to come; with none left it wants a group
    while events:
        at, number, left = heapq.heappop(events)
        now = max(now, at)
        if left:
            cost = costs.result
            after = (now + cost + (seconds / results if left > 1 else 0.0), number, left - 1)  # Tune's worker waits to be told to go on
        elif handed < groups:
            cost = costs.group + CONFIGURATIONS * (costs.configuration + costs.proposal(handed * CONFIGURATIONS / METHODS))
            after = (now + cost + seconds / results, number, results)
            handed += 1
        else:
            continue
        now, worked, last = now + cost, worked + cost, max(last, after[0])
        heapq.heappush(events, after)
    return groups * seconds / (workers * last), worked / last


def simulated(costs: Costs, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row a case."""
    for sampler in SAMPLERS:
        own = costs._replace(proposals=asked(rows, sampler, "of it sampler"))
        for workers in (10, 100, 1000):
            for seconds, every in CASES:
                share, busy = training_share(own, workers, seconds, every)
                yield {
                    "what": f"simulated, {sampler}",
                    "GPUs": workers,
                    "group s": seconds,
                    "result every s": every,
                    "GPUs train %": 100 * share,
                    "driver works %": 100 * busy,
                    "configurations": GROUPS_EACH * workers * CONFIGURATIONS,
                }
