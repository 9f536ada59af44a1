"""Groups against one model at a time and against several processes sharing the device, on CIFAR-shaped data. Needs torch and numpy only.

    python -m benchmarks.gpu [--device cuda] [--nets cnn resnet18] [--preset g-mix] [--batch 128] [--sizes 1 8 32 128]
                             [--precisions float32 bf16] [--ways mapped compiled] [--processes 4] [--rounds 5] [--small]

`loop` is one model in plain PyTorch (benchmarks/plain.py), `processes` several such loops at once, each in its own process; both get the
precision that the groups have. Groups are mapped anew in each step, compiled, or replayed from a recording, which searches do on CPUs
alone: on an H200 a replay ended the process in torch 2.11. Milliseconds are those of a member's step; `times` compares with the loop,
`shared` with the processes; MiB are the device's peak a member.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from benchmarks.measure import clock, in_turns, machine, peak, report  # sets one thread before torch is imported  # isort: skip

import torch
import torch.multiprocessing as processes

from benchmarks import plain
from benchmarks.engine import begun, epochs, numbers
from trainables import methods
from trainables.data.examples import Data, Examples
from trainables.draws import stream
from trainables.engine.precision import autocast

CLASSES, STEPS = 10, 8
"""Classes, and steps of an epoch."""

WARM = 2
"""Epochs that processes train before they are timed."""

NETS: dict[str, dict[str, object]] = {"cnn": {"name": "cnn"}, "resnet18": {"name": "resnet18"}}
WAYS: dict[str, dict[str, bool]] = {
    "mapped": {"recorded": False},
    "replayed": {"recorded": True},
    "compiled": {"recorded": False, "compiled": True},
}


def main(arguments: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measure, print, write; returns the table's rows."""
    options = _options(arguments)
    rows: list[dict[str, Any]] = []
    if options.device != "cpu" and not torch.cuda.is_available():
        print("gpu: skipped, since torch sees no CUDA device here; `--device cpu --small` shows that it runs")
        return rows
    for net in options.nets:
        for precision in options.precisions:
            rows += compared(net, precision, options)
    about = {**machine(options.device), "preset": options.preset, "batch": options.batch, "peak TFLOP/s": peak(options.device) / 1e12}
    report("gpu" if options.device != "cpu" else "gpu-on-cpu", about, rows, options.out)
    return rows


def compared(net: str, precision: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The rows of a net in a precision: the loop, the processes, and groups of each size advanced in each way."""
    data = pictures(options.batch, options.side, options.device)
    loop = median(in_turns({"loop": _loop(net, precision, options, data)}, options.rounds, options.device)["loop"])
    shared = _shared(net, precision, options)
    rows = [
        {"net": net, "precision": precision, "by": "loop", "members": 1, "ms": 1e3 * loop},
        {"net": net, "precision": precision, "by": "processes", "members": options.processes, "ms": 1e3 * shared, "times": loop / shared},
    ]
    for way in options.ways:
        for size in options.sizes:
            found = _grouped(net, precision, options, data, size, way)
            row = {"net": net, "precision": precision, "by": way, "members": size}
            rows.append(row | (found | _against(found["ms"], loop, shared) if found else {"ms": "out of memory"}))
            print(
                ", ".join(f"{key} {value:.3g}" if isinstance(value, float) else f"{value}" for key, value in rows[-1].items()), flush=True
            )
    return rows


def pictures(batch: int, side: int, device: str) -> Data:
    """Noise in the shape of CIFAR, 3 x side x side, on the device."""
    generator = stream(0, "pictures")
    count = batch * STEPS
    x = torch.from_numpy(generator.standard_normal((count, 3, side, side), "float32"))
    y = torch.from_numpy(generator.integers(0, CLASSES, count))
    some = Examples(x.to(device), y.to(device), torch.zeros_like(y).to(device))
    return Data(some, some, some, some, some, tuple("0123456789"), ("all",), (3, side, side))


def _grouped(net: str, precision: str, options: argparse.Namespace, data: Data, size: int, way: str) -> dict[str, Any]:
    """Milliseconds and memory of a member in a group; nothing where it does not fit."""
    if options.device != "cpu":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(options.device)
    try:
        changes = {"batch": options.batch, "device": options.device, "chunk": size, **WAYS[way]}
        run = begun(methods.make(methods.PRESETS[options.preset]), NETS[net], data, size, **changes)
        if precision == "bf16":
            run.setting = replace(run.setting, net=autocast(run.setting.net, options.device))
        seconds = median(in_turns({way: epochs(run)}, options.rounds, options.device)[way])
    except torch.OutOfMemoryError:
        return {}
    bytes_ = run.nbytes() if options.device == "cpu" else torch.cuda.max_memory_allocated(options.device)
    return {"ms": 1e3 * seconds, "MiB": bytes_ / size / 2**20}


def _against(milliseconds: float, loop: float, shared: float) -> dict[str, float]:
    return {"times": 1e3 * loop / milliseconds, "shared": 1e3 * shared / milliseconds}


def _loop(net: str, precision: str, options: argparse.Namespace, data: Data) -> Callable[[], int]:
    knobs = numbers(methods.make(methods.PRESETS[options.preset]))
    member = plain.loop(options.preset, NETS[net], data, knobs, options.device, precision == "bf16")
    generator = stream(0, "benchmark")

    def epoch() -> int:
        member.epoch(data.train.x, data.train.y, options.batch, generator)
        return STEPS

    return epoch


def _shared(net: str, precision: str, options: argparse.Namespace) -> float:
    """Seconds a step of one of several loops, all taken together: the time until the last is done over the steps of all."""
    context = processes.get_context("fork" if options.device == "cpu" else "spawn")  # CUDA does not survive a fork
    ready, told = context.Barrier(options.processes), context.Queue()
    arguments = (net, precision, vars(options), ready, told)
    started = [context.Process(target=_train_beside, args=arguments) for _ in range(options.processes)]
    for process in started:
        process.start()
    spans = [told.get() for _ in started]
    for process in started:
        process.join()
    return (max(end for _, end in spans) - min(begin for begin, _ in spans)) / (options.processes * options.rounds * STEPS)


def _train_beside(net: str, precision: str, given: Mapping[str, Any], ready: Any, told: Any) -> None:
    options = argparse.Namespace(**given)
    epoch = _loop(net, precision, options, pictures(options.batch, options.side, options.device))
    for _ in range(WARM):
        epoch()
    clock(options.device)
    ready.wait()
    begin = time.time()
    for _ in range(options.rounds):
        epoch()
    clock(options.device)
    told.put((begin, time.time()))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument("--preset", choices=[name for name in methods.PRESETS if plain.known(name)], default="g-mix")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--side", type=int, default=32, help="height and width of a picture")
    parser.add_argument("--sizes", nargs="+", type=int, default=[1, 8, 32, 128])
    parser.add_argument("--precisions", nargs="+", choices=["float32", "bf16"], default=["float32", "bf16"])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=["mapped", "compiled"])
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="a few seconds, to see that it runs")
    parser.add_argument("--out", help="where to write the JSON")
    options = parser.parse_args(arguments)
    if options.small:
        options.nets, options.batch, options.side, options.sizes, options.rounds, options.processes = ["cnn"], 4, 8, [1, 2], 1, 2
        options.precisions, options.ways = ["bf16"], ["mapped", "replayed"]
    return options


if __name__ == "__main__":
    main()
