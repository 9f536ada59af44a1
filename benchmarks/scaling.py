"""What bounds a study on many GPUs: the driver's cost of a group and of a result, bytes a member, and a simulation from both.

    python -m benchmarks.scaling [--groups 120] [--results 40] [--rounds 3] [--ledger docs/results/ledger.json]

Measured, in processor seconds of the driver alone: three searches with one small configuration a group, of which the second has more groups
and the third more results; the differences are what one group and one result cost, starting up left out. What asking costs by the number
of configurations there are comes from benchmarks/ledger.py. Bytes: a job and a result as Ray sends them, checkpoint and evidence. What
follows for many GPUs is simulated by benchmarks/simulation.py.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks.measure import RESULTS, machine, report  # sets one thread before torch is imported  # isort: skip

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import cloudpickle
import torch

from benchmarks.simulation import SAMPLERS, Costs, asked, simulated
from search import Study, launch
from search.page import Group
from search.searcher import job
from trainables import evidence
from trainables.course import Course
from trainables.data.load import load
from trainables.job import Configuration


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
    """The driver's costs but for proposals, medians over rounds of the three searches; `rows` are benchmarks/ledger.py's."""
    few = groups // 6
    driver(1, 1)  # imports, and what is done once a process
    taken = [(driver(few, 1), driver(groups, 1), driver(few, 1 + results)) for _ in range(rounds)]
    more, longer = (median(one[place] - one[0] for one in taken) for place in (1, 2))
    asking = sum(mean(seconds for _, seconds in asked(rows, "random", f"of it {part}")) for part in ("ledger", "sampler"))
    return Costs(
        group=more / (groups - few) - asking,
        result=longer / (results * (few + 1)),  # erm's group is one more
        configuration=mean(seconds for sampler in SAMPLERS for _, seconds in asked(rows, sampler, "of it ledger")),
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


def main() -> None:
    """The benchmark as one command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=int, default=120, help="groups of the larger search")
    parser.add_argument("--results", type=int, default=40, help="further results a group of the longer search")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ledger", type=Path, default=RESULTS / "ledger.json", help="what benchmarks/ledger.py wrote")
    parser.add_argument("--out", help="where to write the JSON; docs/results/scaling.json by default")
    options = parser.parse_args()
    known = json.loads(options.ledger.read_text())["rows"]
    costs = measured(options.groups, options.results, options.rounds, known)
    driven = {f"{name} ms": 1e3 * getattr(costs, name) for name in ("group", "result", "configuration")}
    rows = [{"what": "driver", **driven}, *sizes(), *simulated(costs, known)]
    about = {"groups": options.groups, "results": options.results, "rounds": options.rounds, "machine": machine()}
    report("scaling", about, rows, options.out)


if __name__ == "__main__":
    main()
