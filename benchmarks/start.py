"""What a search costs beside training: seconds from the command to the first trained epoch, and seconds a configuration.

    python -m benchmarks.start [--rounds 3] [--small]

`first epoch`: `altiplano launch studies/digits.yaml`, six methods, once with a cache that holds nothing, so that every method's sizes are
timed first, and once with what that left there. `configuration`: two studies of 24 and 424 configurations, else alike; what the longer one
takes longer, less its longer training on as many workers as there are cores, is what its further configurations cost: to propose, hand out,
score, write down and settle them.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import ROOT, machine, report  # sets one thread before torch is imported  # isort: skip

from importlib.metadata import version

import yaml

from benchmarks.command import timed
from trainables.evidence import read

FEW, MORE = 24, 424
"""Configurations of the two studies."""


def main(arguments: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measure, print, write; returns the table's rows."""
    options = _options(arguments)
    firsts: list[tuple[float, float]] = []
    each: list[float] = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as cache:
            firsts.append((first_epoch(options.study, cache), first_epoch(options.study, cache)))
        each.append(configuration(options.few, options.more, options.seeds))
        print(f"{firsts[-1][0]:.1f} and {firsts[-1][1]:.1f} s to the first epoch, {1e3 * each[-1]:.0f} ms a configuration", flush=True)
    rows = [
        _row("first epoch, nothing in the cache", [empty for empty, _ in firsts]),
        _row("first epoch, sizes known", [known for _, known in firsts]),
        _row("configuration", each),
    ]
    report("start", {**machine(), "ray": version("ray"), "study": Path(options.study).name, "rounds": options.rounds}, rows, options.out)
    return rows


def first_epoch(study: str, cache: str) -> float:
    """Seconds from the start of the command until the driver hears of a trained epoch; it is stopped then.

    Raises:
        RuntimeError: If it ends before.
    """
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile() as said:
        command = [sys.executable, "-m", "altiplano", "launch", study, "--home", home, "--json"]
        began = time.perf_counter()
        process = subprocess.Popen(command, env={**os.environ, "ALTIPLANO_CACHE": cache}, stdout=subprocess.PIPE, stderr=said, text=True)
        lines = process.stdout or ()
        found = next((time.perf_counter() - began for line in lines if json.loads(line).get("kind") == "epoch"), None)
        process.send_signal(signal.SIGINT)
        process.communicate()
        if found is None:
            said.seek(0)
            raise RuntimeError(
                f"{' '.join(command)} must train an epoch, it ended with {process.returncode}: {said.read().decode()[-2000:]}"
            )
    return found


def configuration(few: int, more: int, seeds: int) -> float:
    """Seconds that a further configuration costs beside its training."""
    (short, trained_short), (long, trained_long) = (_whole(count, seeds) for count in (few, more))
    return (long - short - (trained_long - trained_short) / (os.cpu_count() or 1)) / (more - few)


def _whole(configurations: int, seeds: int) -> tuple[float, float]:
    """Seconds of a study's command, and seconds of its members' training."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.yaml"
        file.write_text(yaml.safe_dump(study(configurations, seeds)))
        taken = timed([sys.executable, "-m", "altiplano", "launch", str(file), "--home", folder, "--quiet"], {})
        files = (Path(folder) / "start" / "evidence").glob("*.parquet")
        return taken.seconds, sum(member.seconds for path in files for member in read(str(path)))


def study(configurations: int, seeds: int) -> Mapping[str, Any]:
    """A study file in which there is next to nothing to train."""
    return {
        "name": "start",
        "data": {"name": "digits"},
        "net": {"name": "mlp", "width": 16},
        "training": {"epochs": 3, "batch": 64},
        "methods": {"g-mix": {}},
        "seeds": seeds,
        "budget": {"configurations": configurations},
        "group": 8 * seeds,
    }


def _row(what: str, seconds: Sequence[float]) -> dict[str, Any]:
    return {"what": what, "seconds": median(seconds), "least": min(seconds), "most": max(seconds), "rounds": list(seconds)}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--study", default=str(ROOT / "studies" / "digits.yaml"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--few", type=int, default=FEW)
    parser.add_argument("--more", type=int, default=MORE)
    parser.add_argument("--small", action="store_true", help="a minute or two, to see that it runs")
    parser.add_argument("--out", help="where to write the JSON")
    options = parser.parse_args(arguments)
    if options.small:
        options.rounds, options.few, options.more, options.seeds = 1, 8, 16, 1
    return options


if __name__ == "__main__":
    main()
