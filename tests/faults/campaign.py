"""Kill drivers, workers, raylets and database servers at random points of real studies, and see that nothing is lost.

    python -m tests.faults.campaign --kills 60 --seed 0

Two lanes side by side, SQLite and PostgreSQL: in each, one study after the other is run and killed until the lane's kills are spent; every
study is then resumed to its end and judged by `verdict.check`.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.faults import verdict
from tests.faults.drive import Drive
from tests.faults.loss import Loss
from tests.search.postgres import Server
from trainables.draws import stream

SECONDS, EPOCHS = 0.5, 12
"""Between two checkpoints of a group in these studies: whichever is over first."""

WAITS = ("", "asked", "epoch", "epoch")
"""What a kill waits for, drawn: nothing, so that it may meet a driver that starts; a group handed out; the epoch of one."""

LONGEST = 6.0
"""Most seconds from there to a kill."""

AGAIN = 3
"""Most kills that one driver is to survive: as many as its study has retries, so that it must."""

STARTS = 60
"""Most drivers that a study may need: so many kills of drivers in a row are none of a campaign's."""

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
storage: {{checkpoint_seconds: {seconds}, checkpoint_epochs: {epochs}, patience: 4}}
retries: 3
seed: {seed}
"""


@dataclass
class Tally:
    """What happened in a campaign.

    Attributes:
        kills: How often each kind of process was killed.
        studies: How many studies ended and were found in order, by what kept their ledger.
        lost: For each group that a kill met, what was not in a checkpoint.
    """

    kills: Counter[str] = field(default_factory=Counter)
    studies: Counter[str] = field(default_factory=Counter)
    lost: list[Loss] = field(default_factory=list)

    def __str__(self) -> str:
        kills = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kills.items()))
        studies = ", ".join(f"{count} on {kind}" for kind, count in sorted(self.studies.items()))
        return f"{self.kills.total()} kills ({kills}); {studies} studies in order; {self._losses()}"

    def _losses(self) -> str:
        epochs, seconds = [one.epochs for one in self.lost], [one.seconds for one in self.lost if one.seconds is not None]
        if not seconds:
            return "no group was met"
        return (
            f"{len(epochs)} groups met: {max(epochs)} epochs lost at most, {max(seconds):.1f} s, in the middle {np.median(seconds):.1f} s, "
            f"with a checkpoint every {EPOCHS} epochs or {SECONDS} s"
        )


class Lane:
    """Studies of one kind of ledger, one after the other.

    Args:
        folder: Where the studies are kept.
        seed: Of everything random.
        kinds: What is killed, in rounds of random order: "driver", "worker", "raylet", "server".
        server: The PostgreSQL server of the ledgers; None: SQLite.
        tally: Is added to.
        failed: Set where another lane has failed, and this one is to end.
    """

    def __init__(
        self, folder: Path, seed: int, kinds: tuple[str, ...], server: Server | None, tally: Tally, failed: threading.Event
    ) -> None:
        self.folder, self.seed, self.kinds, self.server, self.tally, self.failed = folder, seed, kinds, server, tally, failed
        self.ledger = "PostgreSQL" if server else "SQLite"
        self.draws = stream(seed, f"campaign/{self.ledger}")
        self.deck: list[str] = []
        self.left = 0
        self.drive: Drive | None = None

    def run(self, kills: int) -> None:
        """Run studies until there have been so many kills."""
        self.left = kills
        number = 0
        while self.left and not self.failed.is_set():
            try:
                self.study(number)
            except BaseException:
                self.failed.set()
                raise
            number += 1

    def study(self, number: int) -> None:
        """Run one study to its end, killed on its way while there are kills left, and judge it."""
        name = f"{self.ledger.lower()}-{number}"
        file = self.folder / f"{name}.yaml"
        rungs = "[20]" if number % 2 else "[]"
        file.write_text(STUDY.format(name=name, rungs=rungs, seconds=SECONDS, epochs=EPOCHS, seed=self.seed + number))
        for _ in range(STARTS):
            if self.failed.is_set():
                return
            self.drive = drive = Drive(file, self.folder, self.server)
            killed = self._kill(drive)
            if drive.end(may_fail=killed) == 0:
                verdict.check(name, self.folder / "home", self.server.url if self.server else None)
                self.tally.studies[self.ledger] += 1
                say(f"{name} is in order")
                return
        raise AssertionError(f"{name} does not end: {drive.tail()}")

    def _kill(self, drive: Drive) -> bool:
        """Kill some of what a driver needs, at random times, it in the end or not at all; returns whether it."""
        for _ in range(AGAIN):
            if not self.left:
                return False
            drive.until(WAITS[int(self.draws.integers(len(WAITS)))])
            drive.wait(self.draws.uniform(0, LONGEST))
            kind = self._next()
            met = drive.losses() if kind != "server" else []
            if not drive.kill(kind, float(self.draws.uniform()), pause=float(self.draws.uniform(0, 3))):
                self.deck.append(kind)
                return False
            self.left -= 1
            self.tally.kills[kind] += 1
            self.tally.lost += met
            say(f"kill {self.tally.kills.total()}: {kind} of {drive.name}")
            if kind == "driver":
                return True
            if self.draws.uniform() < 0.3:
                return False
        return False

    def _next(self) -> str:
        if not self.deck:
            self.deck = [str(kind) for kind in self.draws.permutation(self.kinds)]
        return self.deck.pop()


def campaign(folder: Path, seed: int, kills: int, server: Server | None) -> Tally:
    """Kill so many processes in all, half of them in each lane."""
    tally, failed = Tally(), threading.Event()
    kinds = ("driver", "worker", "raylet")
    lanes = [Lane(folder, seed, kinds, None, tally, failed)]
    if server is not None:
        lanes.append(Lane(folder, seed, (*kinds, "server"), server, tally, failed))
    say(f"campaign of {kills} kills, seed {seed}")
    with ThreadPoolExecutor(len(lanes)) as pool:
        shares = [kills - kills // 2, kills // 2] if server else [kills]
        running = [pool.submit(lane.run, share) for lane, share in zip(lanes, shares, strict=True)]
        try:
            for lane in running:
                lane.result()
        except BaseException:  # Ctrl-C, too, ends what would else be waited for
            failed.set()
            for drive in [lane.drive for lane in lanes if lane.drive]:
                drive.process.kill()
            raise
    say(f"seed {seed}: {tally}")
    return tally


def say(text: str) -> None:
    """Print a line with the time, so that a hang can be placed."""
    sys.stdout.write(f"[{time.strftime('%H:%M:%S')}] {text}\n")
    sys.stdout.flush()


def main() -> None:
    """The campaign as one command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sqlite-only", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        server = None if asked.sqlite_only else Server()
        if server:
            server.start()
        try:
            campaign(Path(folder), asked.seed, asked.kills, server)
        finally:
            if server:
                server.stop()


if __name__ == "__main__":
    main()
