"""A PostgreSQL server of a test's own: in its own folder, on a free port, started and killed at will."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest


def binaries() -> Path | None:
    """The folder of initdb and postgres, where Debian or anybody else puts them."""
    found = shutil.which("initdb")
    places = [Path(os.path.realpath(found)).parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "postgres").exists() and (place / "initdb").exists()), None)


SECONDS = 120
"""Most that a server is waited for, which recovers after a kill; two campaigns on two cores are slow."""


class Server:
    """A server in a folder of its own; it refuses to run as root, so that root starts it as `postgres`."""

    def __init__(self) -> None:
        place = binaries()
        if place is None:
            pytest.skip("needs PostgreSQL's initdb and postgres: apt-get install postgresql")
        self.place = place
        self.folder = Path(tempfile.mkdtemp(prefix="altiplano-postgres-", dir="/tmp"))  # a test's own folder is closed to `postgres`
        self.port = free_port()
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._run("initdb", "-D", str(self.folder / "data"), "-A", "trust", "-U", "altiplano", "--no-sync")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As a study file has it; the password is not asked for, but must not appear anywhere either."""
        return f"postgresql://altiplano:secret@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start and wait until it answers."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if self.process is None or self.process.poll() is not None:
                self._begin()  # again, while a killed server's children are still leaving
            ready = subprocess.run([str(self.place / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False)
            if ready.returncode == 0:
                return
            time.sleep(0.1)
        raise TimeoutError((self.folder / "log").read_text()[-2000:])

    def _begin(self) -> None:
        data = self.folder / "data"
        command = self._as_user(
            str(self.place / "postgres"), "-D", str(data), "-p", str(self.port), "-k", str(self.folder), "-h", "127.0.0.1"
        )
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self) -> None:
        """kill -9 the postmaster; its children notice and leave."""
        pid = int((self.folder / "data/postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        self._gone()

    def stop(self) -> None:
        """Stop at once and remove everything."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            pid = int((self.folder / "data/postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, signal.SIGQUIT)
        self._gone()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _gone(self) -> None:
        if self.process is not None:
            self.process.wait(timeout=SECONDS)
        end = time.monotonic() + SECONDS
        while taken(self.port):
            if time.monotonic() > end:
                raise TimeoutError(f"a killed server still listens on port {self.port}")
            time.sleep(0.05)

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run(self._as_user(str(self.place / name), *arguments), check=True, capture_output=True)

    def _as_user(self, *command: str) -> list[str]:
        return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


def taken(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
