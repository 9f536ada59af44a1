"""What a search has found by the members that it has trained: TPE with halving, TPE, and random.

    python -m benchmarks.search [--configurations 48] [--seeds 3] [--epochs 20] [--repeats 50] [--small]

On digits with a tenth of the labels wrong, mlp, mixup x SAM: `live` launches one study for each way of searching. What a study's best is
worth after so many epochs is the hypervolume of the front of what it has seen, by the mean of all seeds, over the median of all that the
three have found, as a share of what the three have found together. That is one run of each, and luck. `replayed` looks the same ways up in
the study that drew at random, `repeats` times each with other random numbers, and says the mean with its interval.
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import machine, report  # sets one thread before torch is imported  # isort: skip

import yaml

from altiplano.main import run
from altiplano.replaying import SHARES, Benchmark, best_so_far, compared, rules_of, tabulated
from analysis.table import load
from search.homes import find

RUNGS, KEEP = [3, 9], 0.34
WAYS: dict[str, tuple[str, bool]] = {"tpe, halving": ("tpe", True), "tpe": ("tpe", False), "random": ("random", False)}
"""Each way's sampler, and whether it halves."""

TABLE = "random"
"""The way whose study is looked up: it has spread its configurations evenly and trained them all to the end."""


def main(arguments: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Search, print, write; returns the table's rows."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = {way: searched(way, options, Path(folder)) for way in WAYS}
    rows = [*live(found), *replayed(found[TABLE], options)]
    asked = {name: getattr(options, name) for name in ("configurations", "seeds", "epochs", "repeats")}
    report("search", {**machine(), **asked}, rows, options.out)
    return rows


def searched(way: str, options: argparse.Namespace, folder: Path) -> Benchmark:
    """The study of a way of searching, once it has ended.

    Raises:
        RuntimeError: If it fails.
    """
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(study(way, options)))
    code = run(["launch", str(file), "--home", str(folder), "--quiet"])
    if code:
        raise RuntimeError(f"the study {_name(way)} must end well, it ended with {code}")
    sys.stdout.write(f"{way}: searched\n")
    return tabulated(find(_name(way), folder)[0], load(f"{folder}/{_name(way)}"))


def study(way: str, options: argparse.Namespace) -> dict[str, Any]:
    """The study file."""
    sampler, halving = WAYS[way]
    content: dict[str, Any] = {
        "name": _name(way),
        "data": {"name": "digits", "label_noise": 0.1},
        "net": {"name": "mlp"},
        "training": {"epochs": options.epochs, "lr": [0.01, 0.5]},
        "methods": {"g-mix": {}},
        "seeds": options.seeds,
        "budget": {"configurations": options.configurations},
        "group": options.seeds * options.together,
        "sampler": sampler,
    }
    rungs = [rung for rung in RUNGS if rung < options.epochs]
    return content | ({"halving": {"rungs": rungs, "keep": KEEP}} if halving else {})


def live(found: dict[str, Benchmark]) -> list[dict[str, Any]]:
    """A row a way and share of the epochs that training everything takes: members trained, and what the best so far is worth."""
    keyed = {(way, key): number for number, (way, key) in enumerate((way, key) for way, one in found.items() for key in one.truth)}
    truth = {number: found[way].truth[key] for (way, key), number in keyed.items()}
    at = [share * found[TABLE].epochs for share in SHARES]
    rows = []
    for way, one in found.items():
        own = [step if step.seen is None else step._replace(key=keyed[way, step.key]) for step in one.own]
        values, members = best_so_far(one._replace(truth=truth), own, at)
        rows += [
            {"on": "live", "way": way, "epochs": round(limit), "members": count, "mean": value}
            for limit, value, count in zip(at, values.tolist(), members.tolist(), strict=True)
            if math.isfinite(value)
        ]
    return rows


def replayed(bench: Benchmark, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The same of replays: means over repeats and their intervals."""
    rows = []
    for way, (sampler, halving) in WAYS.items():
        rungs = ",".join(str(rung) for rung in RUNGS if rung < options.epochs)
        rules = rules_of(sampler, f"{rungs}:{KEEP}" if halving else None, bench.seeds, options.together)
        for row in compared(bench, rules, options.repeats):
            if not math.isfinite(row["mean"]):
                continue  # nothing has ended in one of the repeats at least
            named = {name: row[name] for name in ("members", "mean", "low", "high")}
            rows.append({"on": "replayed", "way": way, "epochs": round(row["epochs"]), **named})
    return rows


def _name(way: str) -> str:
    return way.replace(", ", "-")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configurations", type=int, default=48)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--together", type=int, default=6, help="configurations of a group")
    parser.add_argument("--small", action="store_true", help="a minute, to see that it runs")
    parser.add_argument("--out", help="where to write the JSON")
    options = parser.parse_args(arguments)
    if options.small:
        options.configurations, options.seeds, options.epochs, options.repeats, options.together = 8, 2, 4, 2, 4
    return options


if __name__ == "__main__":
    main()
