"""Kill drivers, workers, raylets and database servers at random points of real studies, and see that nothing is lost.

    python -m tests.faults.campaign --kills 60 --seed 0

One study after the other is run and killed until the kills are spent; each is then resumed to its end and judged by `verdict.check`.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.faults import processes, verdict
from tests.search.postgres import Server
from trainables.draws import stream

ROOT = Path(__file__).parents[2]
INTERVAL = 0.5
"""Seconds between two checkpoints of a group in these studies."""

BUSY = 0.75
"""Share of the kills that wait until a driver has handed out its first group; the others may meet it while it starts."""

STUDY = """
name: {name}
data: {{name: digits, fraction: 0.3, label_noise: 0.1}}
net: {{name: mlp, width: 24}}
training: {{epochs: 60, batch: 32}}
methods: {{g-mix: {{}}, softad: {{}}}}
seeds: 2
budget: {{configurations: 5}}
group: 6
halving: {{rungs: {rungs}, keep: 0.5}}
storage: {{checkpoint_seconds: {interval}, patience: {patience}}}
retries: 3
seed: {seed}
"""


@dataclass
class Tally:
    """What happened in a campaign.

    Attributes:
        kills: How often each kind of process was killed.
        studies: How many studies ended and were found in order.
        lost: For each group that a kill met, the seconds of work since its last checkpoint.
    """

    kills: Counter[str] = field(default_factory=Counter)
    studies: Counter[str] = field(default_factory=Counter)
    lost: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        kills = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kills.items()))
        studies = ", ".join(f"{count} on {kind}" for kind, count in sorted(self.studies.items()))
        lost = f"{max(self.lost):.1f} s at most, {float(np.median(self.lost)):.1f} s in the middle" if self.lost else "none"
        return (
            f"{self.kills.total()} kills ({kills}); {studies} studies in order; work lost a group: {lost}, checkpoints every {INTERVAL} s"
        )


class Campaign:
    """Kills at random points, all of them from one seed.

    Args:
        folder: Where the studies are kept.
        seed: Of everything random.
        kinds: What may be killed: "driver", "worker", "raylet", "server".
        server: A PostgreSQL server for every second study, or None.
        longest: Most seconds from there to a kill.
        longest: Most seconds from a driver's start to a kill.
    """

    def __init__(self, folder: Path, seed: int, kinds: tuple[str, ...], server: Server | None, longest: float = 6.0) -> None:
        self.folder, self.kinds, self.server, self.longest = folder, kinds, server, longest
        self.draws = stream(seed, "campaign")
        self.tally = Tally()
        self.seed = seed

    def run(self, kills: int) -> Tally:
        """Run studies until there have been so many kills."""
        number = 0
        while self.tally.kills.total() < kills:
            self.study(f"s{number}", kills, postgres=self.server is not None and number % 2 == 1)
            number += 1
        return self.tally

    def study(self, name: str, kills: int, *, postgres: bool) -> None:
        """Run one study to its end, killed on its way while there are kills left, and judge it."""
        rungs = "[20]" if int(name[1:]) % 4 >= 2 else "[]"
        file = self.folder / f"{name}.yaml"
        file.write_text(STUDY.format(name=name, rungs=rungs, interval=INTERVAL, seed=self.seed + int(name[1:]), patience=2))
        url = self.server.url if postgres and self.server else None
        for _ in range(40):
            wanted = self.tally.kills.total() < kills
            if self._drive(file, name, url, kill=wanted) == 0:
                verdict.check(name, self.folder / "home", url)
                self.tally.studies["PostgreSQL" if postgres else "SQLite"] += 1
                _say(f"{name} is in order")
                return
        raise AssertionError(f"{name} does not end")

    def _drive(self, file: Path, name: str, url: str | None, *, kill: bool) -> int | None:
        """Run a driver, and perhaps kill something; returns its exit status."""
        log = self.folder / f"{name}.log"
        before = log.stat().st_size if log.exists() else 0
        command = [sys.executable, "-m", "tests.faults.driver", str(file), str(self.folder / "home"), *([url] if url else [])]
        with log.open("ab") as output:
            process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env=_environment())
        kinds = [kind for kind in self.kinds if kind != "server" or url]
        while kill and process.poll() is None:
            delay, kind = self.draws.uniform(0, self.longest), str(self.draws.choice(kinds))
            if self.draws.uniform() < BUSY:
                _until_asked(process, log, before)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(delay)
                break
            if self._kill(kind, process.pid, name, log, before) and kind != "worker":
                break
            kill = self.draws.uniform() < 0.5
        return self._leave(process)

    def _kill(self, kind: str, driver: int, name: str, log: Path, before: int) -> bool:
        """Kill one process of a kind, if there is one now."""
        there = {"driver": lambda: [driver], "worker": lambda: processes.workers(driver), "raylet": lambda: processes.raylets(driver)}
        if kind == "server":
            if self.server is None:
                return False
            self.server.kill()
            time.sleep(self.draws.uniform(0, 3))
            self.server.start()
            self._count(kind, name)
            return True
        found = there[kind]()
        if not found:
            return False
        family = [*processes.workers(driver), *processes.raylets(driver)]  # Ray's agents take their time, and do nothing
        processes.kill(int(self.draws.choice(found)))
        if kind == "driver":
            self._count_lost(name, log, before)
            left = processes.wait_gone(family)
            if left:
                raise AssertionError(f"processes {left} outlive the driver {driver}")
        self._count(kind, name)
        return True

    def _leave(self, process: "subprocess.Popen[bytes]") -> int:
        try:
            return process.wait(300)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"the driver {process.pid} hangs") from None

    def _count(self, kind: str, name: str) -> None:
        self.tally.kills[kind] += 1
        _say(f"kill {self.tally.kills.total()}: {kind} of {name}")

    def _count_lost(self, name: str, log: Path, before: int) -> None:
        """Measure the work of each group since its last checkpoint, from when its epochs were reported."""
        now = time.time()
        reports = _epochs(log, before)
        for group, epochs in reports.items():
            saved = _saved_epoch(self.folder / "home" / name / "checkpoints" / f"{group}.pt")
            since = [at for epoch, at in epochs if saved is not None and epoch <= saved]
            if since:
                self.tally.lost.append(now - max(since))


def _until_asked(process: "subprocess.Popen[bytes]", log: Path, before: int) -> None:
    """Wait until a driver has handed out a group, or has ended."""
    while process.poll() is None and b'"asked"' not in log.read_bytes()[before:]:
        time.sleep(0.05)


def _epochs(log: Path, before: int) -> dict[str, list[tuple[int, float]]]:
    """(epoch, time) of each report of each group that had not ended, from a driver's log."""
    found: dict[str, list[tuple[int, float]]] = {}
    for line in log.read_bytes()[before:].decode(errors="replace").splitlines():
        event = _event(line)
        group = event.get("text", "").partition(":")[0]
        if event.get("kind") == "epoch":
            found.setdefault(group, []).append((int(event["text"].rpartition(" ")[2]), event["at"]))
        if event.get("kind") == "settled":
            found.pop(group, None)
    return found


def _event(line: str) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except ValueError:
        return {}


def _saved_epoch(file: Path) -> int | None:
    import io

    try:
        return int(torch.load(io.BytesIO(file.read_bytes()[32:]), weights_only=True)["epoch"])
    except (OSError, RuntimeError, EOFError):
        return None


def _environment() -> dict[str, str]:
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {**os.environ, **one, "RAY_USAGE_STATS_ENABLED": "0"}


def _say(text: str) -> None:
    sys.stdout.write(f"[{time.strftime('%H:%M:%S')}] {text}\n")
    sys.stdout.flush()


def main() -> None:
    """The campaign as one command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default="driver,worker,raylet,server")
    parser.add_argument("--sqlite-only", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        server = None if asked.sqlite_only else Server()
        if server:
            server.start()
        try:
            _say(f"campaign of {asked.kills} kills, seed {asked.seed}")
            _say(str(Campaign(Path(folder), asked.seed, tuple(asked.kinds.split(",")), server).run(asked.kills)))
        finally:
            if server:
                server.stop()


if __name__ == "__main__":
    main()
