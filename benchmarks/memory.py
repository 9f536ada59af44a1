"""Bytes and milliseconds of every preset, for a member alone and in a group of 32.

    python -m benchmarks.memory [--net cnn] [--presets ...] [--members 32] [--rounds 5] [--small]

Per member, on one thread, replayed: `state` is what lives from step to step (weights, running statistics, momentum, states of the method),
`step` what a step needs beside it, batch included. `copies` is both together in copies of the weights. Alone the step's memory is one
member's; in a group each part of `chunk` members takes turns in the same memory.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.measure import in_turns, machine, report  # sets one thread before torch is imported  # isort: skip

from benchmarks.engine import BATCH, NETS, begun, epochs, examples, hosts
from trainables import methods, tree
from trainables.axes import Method
from trainables.data.examples import Data
from trainables.engine.loop import Run
from trainables.mixing.frozen import write_mixer

CHUNK = 16
"""Members that a group computes at a time."""


def main(arguments: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Measure, print, write; returns the table's rows."""
    options = _options(arguments)
    data = examples(2 if options.small else 4)
    rows = []
    for preset, method in _chosen(options.presets, NETS[options.net], data):
        alone = begun(method, NETS[options.net], data, 1, recorded=True)
        group = begun(method, NETS[options.net], data, options.members, recorded=True, chunk=CHUNK)
        taken = in_turns({"alone": epochs(alone), "group": epochs(group)}, options.rounds)
        rows.append(
            {
                "preset": preset,
                "alone ms": 1e3 * median(taken["alone"]),
                **_bytes("alone", alone),
                "group ms": 1e3 * median(taken["group"]),
                **_bytes("group", group),
            }
        )
    report(
        f"memory-{options.net}",
        {**machine(), "net": options.net, "batch": BATCH, "members": options.members, "chunk": CHUNK},
        rows,
        options.out,
    )
    return rows


def _chosen(presets: Sequence[str], net: Mapping[str, Any], data: Data) -> Iterator[tuple[str, Method]]:
    """The presets that the net can host, with a mixer for those that ask for one; what a step costs does not depend on its numbers."""
    with tempfile.TemporaryDirectory() as folder:
        for preset in presets:
            method = methods.make(methods.PRESETS[preset])
            if "mixer" in method.needs and hosts(methods.PRESETS["samix"], net, data):
                untrained = begun(methods.make(methods.PRESETS["samix"]), net, data, 1, recorded=False)
                write_mixer(tree.take(untrained.group.states.mixing, 0), f"{folder}/mixer.npz")
                yield preset, methods.make(methods.PRESETS[preset], mixer=f"{folder}/mixer.npz")
            elif hosts(methods.PRESETS[preset], net, data):
                yield preset, method


def _bytes(name: str, run: Run) -> dict[str, float]:
    """A member's share in KiB, and in copies of the weights."""
    members, state, whole = len(run.rows), tree.nbytes(run.group), run.nbytes()
    return {
        f"{name} state KiB": state / members / 1024,
        f"{name} step KiB": (whole - state) / members / 1024,
        f"{name} copies": whole / tree.nbytes(run.group.model.params),
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", choices=NETS, default="cnn")
    parser.add_argument("--presets", nargs="+", choices=methods.PRESETS, default=list(methods.PRESETS))
    parser.add_argument("--members", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="a few seconds, to see that it runs")
    parser.add_argument("--out", help="where to write the JSON")
    options = parser.parse_args(arguments)
    if options.small:
        options.net, options.presets, options.members, options.rounds = "mlp", ["erm", "sam", "samix", "samix-p"], 2, 1
    return options


if __name__ == "__main__":
    main()
