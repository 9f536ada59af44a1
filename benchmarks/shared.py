"""Bytes of memory that a data set takes of a machine, by how many workers train on it.

    python -m benchmarks.shared [--megabytes 256] [--workers 1 2 4]

Each worker is a process of its own that loads the set as a search's do, reads every training example in batches, and stays; then each one's
share of the file of decoded inputs is read from /proc (Pss: a page that two processes map counts half for each), and what it holds beside
(private bytes, libraries among them). `machines` are two caches, as on machines that share no disk: each decodes once.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import machine, report  # sets one thread before torch is imported  # isort: skip

import os

import numpy as np

WORKER = """
import sys, torch
from trainables.data import cache
from trainables.data.load import load
decoded, stored = [], cache._write
cache._write = lambda place, raw: (decoded.append(place), stored(place, raw))
data = load("npz", path=sys.argv[1])
for rows in torch.arange(len(data.train)).split(64):
    data.train.inputs(rows).sum()
print(len(decoded), flush=True)
sys.stdin.read()
"""


def measured(path: Path, folders: Sequence[Path]) -> dict[str, Any]:
    """What as many workers as there are caches take, each with its own of these (the same one where they share a machine)."""
    running = [_begun(path, folder) for folder in folders]
    try:
        decoded = [int(process.stdout.readline()) for process in running if process.stdout]
        shares = [_held(process.pid) for process in running]
    finally:
        for process in running:
            process.communicate()
    return {
        "workers": len(folders),
        "machines": len(set(folders)),
        "decoded": sum(decoded),
        "data MB": sum(shared for shared, _ in shares) / 1e6,
        "other MB a worker": sum(private for _, private in shares) / len(shares) / 1e6,
    }


def _begun(path: Path, folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "ALTIPLANO_CACHE": str(folder)},
    )


def _held(process: int) -> tuple[int, int]:
    """Bytes of a process: its share of the decoded inputs, and what is its own beside."""
    shared = private = 0
    inputs = False
    for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
        key, _, value = line.partition(":")
        if "-" in key.split(" ")[0]:  # a mapping begins
            inputs = line.endswith("/train.x")
        elif key == "Pss" and inputs:
            shared += int(value.split()[0]) * 1024
        elif key in {"Private_Dirty", "Private_Clean"} and not inputs:
            private += int(value.split()[0]) * 1024
    return shared, private


def written(folder: Path, megabytes: int) -> Path:
    """A file of pictures, 3 x 32 x 32 bytes each, of so many megabytes."""
    count = megabytes * 10**6 // (3 * 32 * 32)
    x = np.arange(count * 3 * 32 * 32, dtype=np.uint32).astype(np.uint8).reshape(count, 3, 32, 32)
    np.savez(folder / "data.npz", x=x, y=np.arange(count) % 10)
    return folder / "data.npz"


def main() -> None:
    """The benchmark as one command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--out", help="where to write the JSON; docs/results/shared.json by default")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = written(folder, asked.megabytes)
        rows = [measured(path, [folder / f"cache-{count}"] * count) for count in asked.workers]
        rows.append(measured(path, [folder / "first", folder / "first", folder / "second", folder / "second"]))
    report("shared", {"megabytes": asked.megabytes, "machine": machine()}, rows, asked.out)


if __name__ == "__main__":
    main()
