"""Milliseconds a member-step: groups of every size against one member in a plain PyTorch loop.

    python -m benchmarks.engine [--nets mlp mlp-bare cnn] [--presets ...] [--sizes 1 8 40 128] [--rounds 7] [--small]

One thread. `alone` is one member, by the loop of benchmarks/plain.py where `by` says so and by the engine, mapped anew in each step, where
that loop lacks the method. `times` is how many times as fast the largest group is; `peak` is the share of the best measured matrix product
that the fastest size reaches, counting products of matrices and convolutions only. A step includes its share of batches and draws.
Presets that a net cannot host, or that need a trained mixer, are left out.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.measure import in_turns, machine, peak, ratio, report  # sets one thread before torch is imported  # isort: skip

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import plain
from trainables import methods, nets
from trainables.axes import Method
from trainables.data.examples import Data, Examples
from trainables.data.load import load
from trainables.draws import stream
from trainables.engine.loop import Row, Run, Setting
from trainables.methods import Axes
from trainables.optimizer import cosine, sgd
from trainables.requirements import Surroundings, obstacles
from trainables.training import TRAINING_KNOBS

NETS: dict[str, dict[str, object]] = {
    "mlp": {"name": "mlp"},
    "mlp-bare": {"name": "mlp", "norm": "none"},
    "cnn": {"name": "cnn"},
}
"""The nets measured; `mlp-bare` is the one of the target, 64-128-128-10 without norm."""

BATCH, STEPS, SEEDS = 64, 8, 5
TIGHT = 50
"""Epochs of a run, so that it counts as a long one."""


def main(arguments: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measure, print, write; returns the table's rows."""
    options = _options(arguments)
    data = examples(2 if options.small else STEPS)
    best = peak()
    rows = []
    for net in options.nets:
        for preset in (name for name in options.presets if hosts(methods.PRESETS[name], NETS[net], data)):
            method = methods.make(methods.PRESETS[preset])
            figures = measured(method, preset, NETS[net], data, options.sizes, options.rounds, best)
            rows.append({"net": net, "preset": preset, **figures})
            print(f"{net} {preset}: {figures['times']:.1f} times", flush=True)
    report("engine", {**machine(), "peak GFLOP/s": best / 1e9, "batch": BATCH}, rows, options.out)
    return rows


def measured(
    method: Method, preset: str, net: Mapping[str, Any], data: Data, sizes: Sequence[int], rounds: int, best: float
) -> dict[str, Any]:
    """One row: milliseconds of the loop and of each size, how many times as fast the largest is, and its share of the peak."""
    knobs = numbers(method)
    subjects: dict[str, Callable[[], int]] = {
        f"{size}": epochs(begun(method, net, data, size, recorded=True, chunk=size)) for size in sizes
    }
    has_loop = plain.known(preset)
    alone = _loop(preset, net, data, knobs) if has_loop else epochs(begun(method, net, data, 1, recorded=False))
    taken = in_turns({"alone": alone, **subjects}, rounds)
    fastest = min(median(taken[str(size)]) for size in sizes)
    return {
        "by": "loop" if has_loop else "engine",
        **{name: 1e3 * median(seconds) for name, seconds in taken.items()},
        "times": ratio(taken["alone"], taken[str(max(sizes))]),
        "peak": operations(method, net, data) / fastest / best,
    }


def examples(steps: int) -> Data:
    """Digits with so many examples to train on that an epoch has `steps` steps, in two groups."""
    data = load("digits")
    few = data.train[torch.arange(BATCH * steps)]
    grouped = Examples(few.x, few.y, few.y % 2)
    rest, probe = grouped[torch.arange(BATCH * (steps - 1))], grouped[torch.arange(BATCH * (steps - 1), BATCH * steps)]
    return Data(grouped, rest, probe, data.selection, data.test, data.classes, ("even", "odd"), data.shape)


def numbers(method: Method) -> dict[str, float]:
    """Every knob at its default."""
    return {knob.name: knob.default for knob in (*method.knobs, *TRAINING_KNOBS)}


def begun(method: Method, net: Mapping[str, Any], data: Data, size: int, recorded: bool, **changes: Any) -> Run:
    """A run of `size` members."""
    rows = [Row(place // SEEDS, place % SEEDS, numbers(method)) for place in range(size)]
    built = nets.build(**{**net, "shape": data.shape, "classes": len(data.classes)})
    setting = Setting(method, built, sgd(), cosine, **{"epochs": TIGHT, "batch": BATCH, "recorded": recorded, **changes})
    return Run.begin(setting, data, rows)


def hosts(axes: Axes, net: Mapping[str, Any], data: Data) -> bool:
    """Whether a choice on the three axes can be trained on the net and data as they are."""
    built = nets.build(**{**net, "shape": data.shape, "classes": len(data.classes)})
    around = Surroundings(built.spatial, len(data.shape) == 3, len(data.groups), axes.mixing != "none")
    return not obstacles(methods.make(axes), around)


def operations(method: Method, net: Mapping[str, Any], data: Data) -> float:
    """Floating-point operations of a member's step in products of matrices and convolutions, over an epoch."""
    run = begun(method, net, data, 1, recorded=False)
    with FlopCounterMode(display=False) as counter:
        run.train_epoch()
    return counter.get_total_flops() / steps(run)


def steps(run: Run) -> int:
    """Steps of the run's epoch."""
    return len(run.data.rest if "probe" in run.setting.method.needs else run.data.train) // run.setting.batch


def epochs(run: Run) -> Callable[[], int]:
    """A subject that trains an epoch of the run and counts the members' steps."""

    def epoch() -> int:
        run.train_epoch()
        return steps(run) * len(run.rows)

    return epoch


def _loop(preset: str, net: Mapping[str, Any], data: Data, knobs: Mapping[str, float]) -> Callable[[], int]:
    member = plain.loop(preset, net, data, knobs)
    generator = stream(0, "benchmark")

    def epoch() -> int:
        member.epoch(data.train.x, data.train.y, BATCH, generator)
        return len(data.train) // BATCH

    return epoch


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument("--presets", nargs="+", choices=methods.PRESETS, default=list(methods.PRESETS))
    parser.add_argument("--sizes", nargs="+", type=int, default=[1, 8, 40, 128])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--small", action="store_true", help="a few seconds, to see that it runs")
    parser.add_argument("--out", help="where to write the JSON")
    options = parser.parse_args(arguments)
    if options.small:
        options.presets, options.nets, options.sizes, options.rounds = ["g-mix", "bg-mix"], ["mlp"], [1, 3], 1
    return options


if __name__ == "__main__":
    main()
