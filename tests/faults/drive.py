"""One driver of a study from outside: started, watched, and killed with what it needs."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.faults import processes
from tests.faults.loss import Loss, losses
from tests.search.postgres import Server

ROOT = Path(__file__).parents[2]

HEARD_SECONDS = 300
"""Most that a driver is waited for until it says something."""

THERE_SECONDS = 60
"""Most that a process to be killed is waited for."""

END_SECONDS = 600
"""Most that a driver is waited for until it ends."""

ENDED_BY_RAY = (b"Failed to get the system config from raylet", b"Failed to register worker to Raylet")
"""Ray's last words in a driver whose raylet dies in the moment, two tenths of a second long, in which the driver connects to it: Ray (2.60)
ends the process there, with nothing that could be caught."""


class Drive:
    """A driver that launches the study of a file, or resumes it.

    Args:
        file: The study file; the study is called like the file.
        folder: Where its log and the home are kept.
        server: The server of its ledger; None: SQLite.
    """

    def __init__(self, file: Path, folder: Path, server: Server | None) -> None:
        self.name, self.folder, self.server = file.stem, folder, server
        self.log = folder / f"{self.name}.log"
        self.before = self.log.stat().st_size if self.log.exists() else 0
        command = [sys.executable, "-m", "tests.faults.driver", str(file), str(folder / "home"), *([server.url] if server else [])]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env=_environment())
        self.family: list[int] = []
        self.killed: set[str] = set()

    def until(self, kind: str) -> None:
        """Wait until the driver has told an event of a kind, or has ended; not at all for ""."""
        end = time.monotonic() + HEARD_SECONDS
        while self.process.poll() is None and f'"{kind}"'.encode() not in self.log.read_bytes()[self.before :] and kind:
            if time.monotonic() > end:
                raise AssertionError(f"{self.name} tells no {kind}: {self.tail()}")
            time.sleep(0.05)

    def wait(self, seconds: float) -> None:
        """Wait, or until the driver has ended."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)

    def losses(self) -> list[Loss]:
        """What each group in flight would lose were it killed now."""
        text = self.log.read_bytes()[self.before :].decode(errors="replace")
        return losses(text, self.folder / "home" / self.name, time.time())

    def kill(self, kind: str, choice: float, pause: float) -> bool:
        """Kill one process of a kind, waiting for it if need be; False where the driver ended meanwhile.

        Args:
            kind: "driver", "worker", "raylet" or "server".
            choice: Which, where there are several, in [0, 1).
            pause: How long a server stays away.
        """
        if kind == "server" and self.server and self.process.poll() is None:
            self.server.kill()
            time.sleep(pause)
            self.server.start()
            return True
        found = self._found(kind)
        if not found:
            return False
        self.killed.add(kind)
        self.family = [*processes.workers(self.process.pid), *processes.raylets(self.process.pid)]
        processes.kill(found[int(choice * len(found))])
        return True

    def _found(self, kind: str) -> list[int]:
        look = {"worker": processes.workers, "raylet": processes.raylets}.get(kind, lambda driver: [driver])
        end = time.monotonic() + THERE_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            found = look(self.process.pid)
            if found:
                return found
            time.sleep(0.05)
        return []

    def end(self, *, may_fail: bool) -> int:
        """Wait for the driver's end; returns its exit status, which is 0 unless it was killed, by us or by Ray for a raylet that we killed.

        Raises:
            AssertionError: If it hangs, fails without having been killed, or leaves processes behind.
        """
        try:
            status = self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"{self.name}: the driver hangs: {self.tail()}") from None
        if status and not may_fail and not self._ended_by_ray():
            raise AssertionError(f"{self.name}: the driver must survive what is done to the others, but ended with {status}: {self.tail()}")
        left = processes.wait_gone(self.family)
        if left:
            raise AssertionError(f"{self.name}: processes {left} outlive the driver")
        return status

    def _ended_by_ray(self) -> bool:
        said = self.log.read_bytes()[self.before :]
        return "raylet" in self.killed and any(words in said for words in ENDED_BY_RAY)

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4000:]


def _environment() -> dict[str, str]:
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {**os.environ, **one, "RAY_USAGE_STATS_ENABLED": "0"}
