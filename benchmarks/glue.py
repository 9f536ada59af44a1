"""A study here, and the same study as one writes it by hand with Ray Tune and Optuna: identical work, and the way to equal quality.

    python -m benchmarks.glue [--rounds 3] [--parts work quality] [--ways default reuse best] [--small]

Digits, mlp, mixup x SAM, 24 configurations x 5 seeds x 30 epochs, two workers of one thread each. `work` trains every configuration to its
end; `quality` stops weak ones early, by ASHA there and by halving here. There it is benchmarks/by_hand.py: `default` with Tune's defaults,
`reuse` with trials sharing processes, `best` with that and without a DataLoader. Here it is the
command `altiplano launch` with a cache that holds nothing yet, so that it measures group sizes first; it also trains plain ERM, 5 members
more. All commands take turns within a round. Seconds are those from the start of the command to its end, or until the target.

The target of `quality` is what both reach: of the two best configurations that a run of each found in the round, the score of the lesser.
The score is the mean of accuracy, worst class and stability on the selection split, of configurations trained to the end with all seeds;
the time is when that configuration's result was there. `final` is the time to this; `good` to the median of all that the round found.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.measure import machine, report  # sets one thread before torch is imported  # isort: skip

from importlib.metadata import version

import yaml

from benchmarks.by_hand import BATCH, DECAY, LR, NAMES, SPACE
from benchmarks.command import timed
from search.page import objectives
from trainables.evidence import COMPLETE, Evidence, read

HERE = "altiplano"
WAYS: dict[str, list[str]] = {"default": [], "reuse": ["--reuse"], "best": ["--reuse", "--tensors"]}
"""The ways by hand, and what tells each from the default."""

RUNGS, KEEP = [3, 9], 0.34
"""As ASHA's there: from 3 epochs on, a third at a time."""

PARTS = ("work", "quality")


class Found(NamedTuple):
    """What a run found: its seconds, its processor's, epochs trained, and (seconds, score) of each configuration trained to the end."""

    seconds: float
    processor: float
    epochs: int
    scores: list[tuple[float, float]]


def main(arguments: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measure, print, write; returns the table's rows."""
    options = _options(arguments)
    subjects: dict[str, Callable[[argparse.Namespace, bool], Found]] = {HERE: here}
    subjects |= {way: lambda given, halving, way=way: by_hand(given, halving, WAYS[way]) for way in options.ways}
    rows = []
    for part in options.parts:
        rounds: list[dict[str, Found]] = []
        for number in range(options.rounds):
            rounds.append({})
            for name, subject in subjects.items():
                found = rounds[-1][name] = subject(options, part == "quality")
                print(f"{part} {number + 1} {name}: {found.seconds:.1f} s, {found.processor:.1f} of processors", flush=True)
        rows += (identical if part == "work" else to_quality)(rounds)
    about = {**machine(), **{name: version(name) for name in ("ray", "optuna")}}
    asked = {name: getattr(options, name) for name in ("configurations", "seeds", "epochs", "rounds")}
    report("glue", {**about, **asked}, rows, options.out)
    return rows


def identical(rounds: Sequence[Mapping[str, Found]]) -> list[dict[str, Any]]:
    """A row a way: medians of seconds, and of the rounds' ratios to ours, by the clock and by processors."""
    rows = []
    for name in rounds[0]:
        found = [one[name] for one in rounds]
        times = sorted(one[name].seconds / one[HERE].seconds for one in rounds)
        rows.append(
            {
                "part": "work",
                "way": name,
                "seconds": median(one.seconds for one in found),
                HERE: median(one[HERE].seconds for one in rounds),
                "processor": median(one.processor for one in found),
                "epochs": median(one.epochs for one in found),
                "times": median(times),
                "least": times[0],
                "most": times[-1],
                "times processor": median(one[name].processor / max(one[HERE].processor, 1e-9) for one in rounds),
                "rounds": [one.seconds for one in found],
            }
        )
    return rows


def to_quality(rounds: Sequence[Mapping[str, Found]]) -> list[dict[str, Any]]:
    """Two rows a way by hand: seconds to each target there and here, and the rounds' ratios."""
    rows = []
    for name in (name for name in rounds[0] if name != HERE):
        for goal, target in (("final", lesser_best), ("good", middle)):
            aims = [target(one[name].scores, one[HERE].scores) for one in rounds]
            there, ours = ([reached(one[who].scores, aim) for one, aim in zip(rounds, aims, strict=True)] for who in (name, HERE))
            times = sorted(theirs / own for theirs, own in zip(there, ours, strict=True))
            rows.append(
                {
                    "part": f"quality, {goal}",
                    "way": name,
                    "target": median(aims),
                    "seconds": median(there),
                    HERE: median(ours),
                    "epochs": median(one[name].epochs for one in rounds),
                    "times": median(times),
                    "least": times[0],
                    "most": times[-1],
                    "rounds": [list(pair) for pair in zip(there, ours, strict=True)],
                }
            )
    return rows


def lesser_best(one: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]]) -> float:
    """The highest score that both reach."""
    return min(max(score for _, score in scores) for scores in (one, other))


def middle(one: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]]) -> float:
    """The median of both's scores together, or the highest that both reach where that is lower."""
    return min(median(score for _, score in (*one, *other)), lesser_best(one, other))


def reached(scores: Sequence[tuple[float, float]], target: float) -> float:
    """Seconds until the first configuration that is at least as good."""
    return min(seconds for seconds, score in scores if score >= target)


def here(options: argparse.Namespace, halving: bool) -> Found:
    """The study by `altiplano launch`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.yaml"
        file.write_text(yaml.safe_dump(study(options, halving)))
        command = [sys.executable, "-m", "altiplano", "launch", str(file), "--home", folder]
        taken = timed(command, {"ALTIPLANO_CACHE": f"{folder}/cache"})
        files = sorted((Path(folder) / "glue" / "evidence").glob("*.parquet"))
        groups = [(path.stat().st_mtime - taken.began, read(str(path))) for path in files]
    epochs = sum(member.epochs for _, members in groups for member in members)
    scores = [(seconds, score) for seconds, members in groups if members[0].method != "erm" for score in judged(members)]
    return Found(taken.seconds, taken.processor, epochs, scores)


def judged(members: Sequence[Evidence]) -> list[float]:
    """The score of each configuration that was trained to the end."""
    numbers = {member.configuration for member in members if member.status == COMPLETE}
    own = [objectives([member for member in members if member.configuration == number]) for number in sorted(numbers)]
    return [sum(found[name] for name in NAMES) / len(NAMES) for found in own]


def study(options: argparse.Namespace, halving: bool) -> dict[str, Any]:
    """The study file."""
    content: dict[str, Any] = {
        "name": "glue",
        "data": {"name": "digits"},
        "net": {"name": "mlp"},
        "training": {"epochs": options.epochs, "batch": BATCH, "lr": LR, "weight_decay": DECAY},
        "methods": {"g-mix": {name: list(ends) for name, ends in SPACE.items()}},
        "seeds": options.seeds,
        "budget": {"configurations": options.configurations},
    }
    rungs = [rung for rung in RUNGS if rung < options.epochs]
    return content | ({"halving": {"rungs": rungs, "keep": KEEP}} if halving else {})


def by_hand(options: argparse.Namespace, halving: bool, ways: Sequence[str]) -> Found:
    """The study by benchmarks/by_hand.py."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        numbers = ["--trials", options.configurations, "--seeds", options.seeds, "--epochs", options.epochs]
        flags = [*ways, *(["--halving"] if halving else []), "--storage", folder, "--out", out]
        taken = timed([sys.executable, "-m", "benchmarks.by_hand", *map(str, (*numbers, *flags))], {})
        trials = json.loads(out.read_text())
    scores = [(one["ended"] - taken.began, one["mean"]) for one in trials if one["epochs"] == options.epochs]
    return Found(taken.seconds, taken.processor, sum(one["epochs"] for one in trials) * options.seeds, scores)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--configurations", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--small", action="store_true", help="a minute, to see that it runs")
    parser.add_argument("--out", help="where to write the JSON")
    options = parser.parse_args(arguments)
    if options.small:
        options.rounds, options.ways, options.configurations, options.seeds, options.epochs = 1, ["best"], 2, 2, 4
    return options


if __name__ == "__main__":
    main()
