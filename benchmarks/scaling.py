"""What bounds a study on many GPUs: the driver's cost of a group and of a result, bytes a member, and a simulation from both.

    python -m benchmarks.scaling [--groups 120] [--results 40] [--rounds 3] [--ledger docs/results/ledger.json]

Measured, in processor seconds of the driver alone: three searches with one small configuration a group, of which the second has more groups
and the third more results; the differences are what one group and one result cost, starting up left out. What asking costs by the number
of configurations there are comes from benchmarks/ledger.py. Bytes: a job and a result as Ray sends them, checkpoint and evidence.

Simulated: groups of 16 configurations of six methods in turn go to workers, five to each, a result comes every so often, and one driver
serves what happens in order, one thing at a time, as ours does; a worker goes on when its result has been taken. The table says for how
much of the time the workers train; for the rest they wait for the driver. The one group that a real search hands out ahead is left out:
among many workers it hides nothing.
"""

import argparse
import heapq
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.measure import RESULTS, machine, report  # sets one thread before torch is imported  # isort: skip

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import cloudpickle
import torch

from search import Study, launch
from search.page import Group
from search.searcher import job
from trainables import evidence
from trainables.course import Course
from trainables.data.load import load
from trainables.job import Configuration

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
        first, slope: Of proposing the n-th configuration: first + slope * n.
    """

    group: float
    result: float
    configuration: float
    first: float
    slope: float


def driver(groups: int, epochs: int) -> float:
    """Processor seconds of this process for a search of so many groups of one configuration, each with a result an epoch."""
    study = Study.model_validate(
        {
            "name": "scaling",
            "data": {"name": "digits", "fraction": 0.1},
            "net": {"name": "mlp", "width": 4},
            "training": {"epochs": epochs, "batch": 64},
            "methods": {"softad": {}},
            "objectives": ["accuracy"],
            "seeds": 1,
            "budget": {"configurations": groups},
            "sampler": "random",
            "group": 1,
            "storage": {"checkpoint_epochs": 1},
        }
    )
    with tempfile.TemporaryDirectory() as home:
        began = time.process_time()
        launch(study, home, measured=False)
        return time.process_time() - began


def measured(groups: int, results: int, rounds: int, rows: list[dict[str, float]]) -> Costs:
    """The driver's costs, medians over rounds of the three searches; `rows` are benchmarks/ledger.py's."""
    few = groups // 6
    driver(1, 1)  # imports, and what is done once a process
    taken = [(driver(few, 1), driver(groups, 1), driver(few, 1 + results)) for _ in range(rounds)]
    more, longer = (median(one[place] - one[0] for one in taken) for place in (1, 2))
    asking = [row for row in rows if row["sampler"] == "tpe"]
    ledger = sum(row["of it ledger"] for row in asking) / len(asking) / 1e3
    plain = [row["of it sampler"] / 1e3 for row in rows if row["sampler"] == "random" and "of it sampler" in row]
    ends = asking[0], asking[-1]
    slope = (ends[1]["of it sampler"] - ends[0]["of it sampler"]) / (ends[1]["configurations"] - ends[0]["configurations"]) / 1e3
    return Costs(
        group=max(0.0, more / (groups - few) - ledger - sum(plain) / len(plain)),
        result=longer / (results * (few + 1)),  # erm's group is one more
        configuration=ledger,
        first=ends[0]["of it sampler"] / 1e3 - slope * ends[0]["configurations"],
        slope=slope,
    )


def sizes() -> Iterator[dict[str, Any]]:
    """Bytes of a member, for two small nets: what is sent for a group and a result, what is kept."""
    for net in ({"name": "mlp", "width": 128}, {"name": "cnn"}):
        study = Study.model_validate({"name": "bytes", "net": net, "methods": {"g-mix": {}}, "seeds": 3, "training": {"epochs": 30}})
        numbers = study.spaces["g-mix"].numbers({"alpha": 1.0, "rho": 0.1})
        group = Group("g-mix-0001", "g-mix", tuple(Configuration(number, numbers) for number in range(4)), (0, 1, 2))
        course = Course(job(study, group, "/home"), load(**study.data))
        course.epoch()
        members, parameters = len(course.run.rows), sum(leaf.numel() for leaf in _leaves(course.run.group)) // len(course.run.rows)
        curves = sum(len(found) for found in course.run.curves) * 4 * (study.training.epochs - 1)
        yield {
            "what": f"bytes a member, {net['name']}",
            "numbers a member": parameters,
            "job": len(cloudpickle.dumps(course.job.to_dict())) // members,
            "result": len(cloudpickle.dumps({"scores": course.scores(), "group": group.name, "epoch": 1})) // members,
            "checkpoint": len(course.pack()) // members,
            "evidence": (len(evidence.to_bytes(course.members())) + curves) // members,
        }


def _leaves(part: Any) -> list[torch.Tensor]:
    from trainables import tree

    return [leaf for _, leaf in tree.leaves(part)]


def training_share(costs: Costs, workers: int, seconds: float, every: float) -> tuple[float, float]:
    """Share of the workers' time in which they train, and of the driver's in which it works.

    Args:
        costs: The driver's.
        workers: Groups at a time; with a GPU each, GPUs.
        seconds: Of a group on a worker.
        every: Seconds between two results of a group.
    """
    groups, results = GROUPS_EACH * workers, max(1, round(seconds / every))
    asked, now, worked, last = 0, 0.0, 0.0, 0.0
    events = [(0.0, number, 0) for number in range(workers)]  # when, who, results still to come; with none left it wants a group
    while events:
        at, number, left = heapq.heappop(events)
        now = max(now, at)
        if left:
            cost = costs.result
            after = (now + cost + (seconds / results if left > 1 else 0.0), number, left - 1)  # Tune's worker waits to be told to go on
        elif asked < groups:
            cost = costs.group + CONFIGURATIONS * (costs.configuration + costs.first + costs.slope * asked * CONFIGURATIONS / METHODS)
            after = (now + cost + seconds / results, number, results)
            asked += 1
        else:
            continue
        now, worked, last = now + cost, worked + cost, max(last, after[0])
        heapq.heappush(events, after)
    return groups * seconds / (workers * last), worked / last


def simulated(costs: Costs) -> Iterator[dict[str, Any]]:
    """A row a case."""
    for sampler, own in (("tpe", costs), ("random", costs._replace(slope=0.0))):
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


def main() -> None:
    """The benchmark as one command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=int, default=120, help="groups of the larger search")
    parser.add_argument("--results", type=int, default=40, help="further results a group of the longer search")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ledger", type=Path, default=RESULTS / "ledger.json", help="what benchmarks/ledger.py wrote")
    parser.add_argument("--out", help="where to write the JSON; docs/results/scaling.json by default")
    asked = parser.parse_args()
    costs = measured(asked.groups, asked.results, asked.rounds, json.loads(asked.ledger.read_text())["rows"])
    milliseconds = {f"{name} ms": 1e3 * value for name, value in costs._asdict().items()}
    rows = [{"what": "driver", **milliseconds}, *sizes(), *simulated(costs)]
    report("scaling", {"machine": machine(), "costs": costs._asdict()}, rows, asked.out)


if __name__ == "__main__":
    main()
