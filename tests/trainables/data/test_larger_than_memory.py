"""A worker trains on a data set larger than the memory that it may take.

The system itself refuses what is beyond the limit (RLIMIT_DATA), so that nothing can pass between two looks. It counts what a process has
for itself; the mapped cache file counts whole, read or not, and so is added to the limit. That no page of it has become the process' own is
read from /proc/self/smaps. Pages of the file that are merely in memory are the system's, which takes them back when it wants to.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from trainables.axes import Method
    from trainables.data.examples import Data

SIDE, TESTED, ROOM = 128, 200, 96 << 20
SCRIPT = "import sys; from tests.trainables.data.test_larger_than_memory import work; work(*sys.argv[1:])"


@pytest.mark.slow
def test_a_worker_decodes_trains_and_evaluates_a_data_set_larger_than_its_memory_limit(tmp_path):
    environment = {
        **os.environ,
        "ALTIPLANO_CACHE": str(tmp_path / "cache"),
        "MALLOC_MMAP_THRESHOLD_": str(1 << 17),
    }  # what is freed is gone
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    if "skip" in found:
        pytest.skip(found["skip"])
    assert found["data"] > found["limit"] > found["anonymous"] > 0
    assert found["mapped"] >= found["data"]
    assert found["mapped and own"] == 0


def work(place: str, *mistakes: str) -> None:
    """What the worker does; bytes as JSON. `mistakes` plants the one that the test is for: all inputs read at once."""
    import torch

    from trainables import methods
    from trainables.contract.bench import usual
    from trainables.data.examples import Examples
    from trainables.data.load import load

    torch.set_num_threads(1)
    method = methods.make(methods.PRESETS["mixup"])
    trained(method, usual().data)  # what torch has for itself once it has trained counts as the worker's own needs
    needs = status("VmData")
    if needs > 1 << 30:
        sys.stdout.write(json.dumps({"skip": f"torch alone needs {needs:,} bytes here, too many to write a data set larger than that"}))
        return
    limit = needs + ROOM
    size = write(Path(place), limit + (1 << 20))
    if "read" in mistakes:
        Examples.inputs = lambda self, indices: self.x[indices]  # type: ignore[method-assign]
    resource.setrlimit(resource.RLIMIT_DATA, (limit + size, limit + size))
    data = load("mnist", path=place, fraction=0.9, label_noise=0.2)
    trained(method, data)
    mapped, own = cached(Path(place) / "cache")
    found = {"data": size, "limit": limit, "anonymous": status("RssAnon"), "mapped": mapped, "mapped and own": own}
    sys.stdout.write(json.dumps(found))


def trained(method: "Method", data: "Data") -> None:
    """An epoch of one member, and its figures on the selection split."""
    from trainables import nets
    from trainables.contract.bench import numbers
    from trainables.engine.loop import Row, Run, Setting
    from trainables.optimizer import constant, sgd

    net = nets.build("mlp", data.shape, 10, width=2)
    run = Run.begin(Setting(method, net, sgd(), constant, epochs=1, batch=32), data, [Row(0, 0, numbers(method))])
    run.train_epoch()
    run.evaluate(data.selection)


def write(place: Path, least: int) -> int:
    """An MNIST-like set of at least so many bytes, of black pictures, which take no room on disk; returns how many."""
    counts = {"train": -(-least // SIDE**2), "t10k": TESTED}
    for prefix, count in counts.items():
        with (place / f"{prefix}-images-idx3-ubyte").open("wb") as file:
            file.write(bytes([0, 0, 8, 3]) + b"".join(number.to_bytes(4, "big") for number in (count, SIDE, SIDE)))
            file.truncate(16 + count * SIDE**2)
        head = bytes([0, 0, 8, 1]) + count.to_bytes(4, "big")
        (place / f"{prefix}-labels-idx1-ubyte").write_bytes(head + bytes(number % 10 for number in range(count)))
    return sum(counts.values()) * SIDE**2


def status(key: str) -> int:
    """Bytes by a line of /proc/self/status: VmData, what the process has asked for itself; RssAnon, how much of that is in memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) * 1024


def cached(folder: Path) -> tuple[int, int]:
    """Bytes mapped of files below a folder, and bytes of those that the process has changed and so has for itself."""
    mapped = own = 0
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        parts = line.split()
        if not parts[0].endswith(":"):
            inside = parts[-1].startswith(str(folder))
        elif inside and parts[0] in ("Size:", "Anonymous:"):
            mapped, own = mapped + int(parts[1]) * 1024 * (parts[0] == "Size:"), own + int(parts[1]) * 1024 * (parts[0] == "Anonymous:")
    return mapped, own
