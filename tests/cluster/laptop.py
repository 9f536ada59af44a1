"""What is on the laptop: the project with its cluster.yaml changed where it says CHANGE, what pip needs, and commands."""

import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from tests.cluster.machines import HOME, ROOT, VENV, LackingError, Machine
from tests.cluster.nodes import until
from tests.cluster.site import Site
from tests.faults import processes

EXTRAS = ".[cluster,data,export,postgres]"
"""What cluster.yaml installs."""


class Client:
    """A command on the laptop whose output is kept in a folder."""

    def __init__(self, laptop: Machine, folder: Path, *words: str) -> None:
        self.words = " ".join(words)
        self.file = Path(tempfile.mkstemp(prefix="client-", dir=folder)[1])
        with self.file.open("wb") as output:
            self.process = subprocess.Popen(laptop.shell(*words), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)

    @property
    def output(self) -> str:
        """What it has printed."""
        return self.file.read_text(errors="replace")

    def ended(self, seconds: float = 300.0) -> int:
        """Its exit code, waited for."""
        until(lambda: self.process.poll() is not None, seconds, f"{self.words} does not end: {self.output[-3000:]}")
        return self.process.returncode

    def says(self, words: str, seconds: float = 180.0) -> None:
        """Wait until it has printed something."""
        until(lambda: words in self.output or self.process.poll() is not None, seconds, f"{words!r} of {self.words}: {self.output[-3000:]}")
        assert words in self.output, f"{self.words} ends without {words!r}: {self.output[-3000:]}"

    def kill(self) -> None:
        """The laptop is closed: all that the command consists of is gone at once."""
        for pid in [self.process.pid, *processes.descendants(self.process.pid)]:
            processes.kill(pid)
        self.process.wait(30)


def furnished(site: Site, head: str, worker: str) -> Path:
    """The folder of the project on the laptop, as it lies here and with the machines' addresses in its cluster.yaml."""
    home = site.folder / "laptop/home"
    place = home / "altiplano"
    listed = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["rsync", "--archive", "--from0", "--files-from=-", f"{ROOT}/", f"{place}/"], input=listed, check=True)
    (place / "cluster.yaml").write_text(changed((ROOT / "cluster.yaml").read_text(), head, worker))
    with (home / ".bashrc").open("a") as file:
        file.write(f"export PATH={VENV}/bin:$PATH PYTHONPATH={HOME}/altiplano RAY_USAGE_STATS_ENABLED=0\n")
    return place


def changed(text: str, head: str, worker: str) -> str:
    """cluster.yaml with what says CHANGE changed, and nothing else."""
    for key, value in {
        "head_ip": head,
        "worker_ips": f"[{worker}]",
        "ssh_user": "root",
        "min_workers": "1",
        "max_workers": "1",
    }.items():
        text, count = re.subn(rf"^( *{key}: )[^#\n]*?( +# CHANGE)", rf"\g<1>{value}\g<2>", text, flags=re.MULTILINE)
        assert count == 1, f"cluster.yaml must say CHANGE at {key}"
    return text


def wheels(folder: Path, *, everything: bool) -> Path:
    """A folder with what pip needs on a machine without internet: what builds the project, and what it needs or this environment lacks.

    Raises:
        LackingError: Where pip cannot get it.
    """
    place = folder / "wheels"
    wanted = ["setuptools>=77", *([EXTRAS, "--constraint", "constraints.txt"] if everything else ["--no-deps", *drifted()])]
    command = [sys.executable, "-m", "pip", "download", "-qq", "--dest", str(place), *wanted]
    tried = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if tried.returncode:
        raise LackingError(f"needs packages from where pip gets them: {' '.join(wanted)}: {tried.stderr.strip()}")
    return place


def drifted() -> list[str]:
    """Distributions of which this environment has another version than constraints.txt says."""
    pins = [line.partition("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]
    there = {re.sub(r"[-_.]+", "-", one.name).lower(): one.version.partition("+")[0] for one in metadata.distributions()}
    return [f"{name}=={pin}" for name, _, pin in pins if there.get(re.sub(r"[-_.]+", "-", name).lower(), pin) != pin]
