"""Machines made of namespaces: each has its own network, processes, name, home folder and temporary files, and an SSH server.

A laptop holds the bridge that the others are plugged into, so that this machine's own network is not touched. All of a machine hangs on its
first process: killing that one is a loss of power, and leaves nothing behind, no interface and no mount either. It dies with this process.

What machines share is what a cluster's share: the folder of the studies, under `STUDIES`. The system's programs are there to read.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.nodes import until
from tests.faults import processes

ROOT = Path(__file__).parents[2]
VENV = Path(sys.prefix).resolve()
STUDIES = "/mnt/studies"
HOME = Path("/root")
NEEDED = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "/usr/sbin/sshd": "openssh-server",
    "rsync": "rsync",
}
"""Programs, and the packages of Debian that bring them."""

NAMESPACES = ("--net", "--mount", "--pid", "--uts", "--ipc")

FIRST = f"""
set -eu
name=$1 disk=$2 studies=$3 wheels=$4 base=$5 own=$6 venv=$7; shift 7
hostname "$name"
ip link set lo up
if [ -n "$venv" ]; then
    mkdir -p "$disk/home/altiplano/.venv" "$disk/upper" "$disk/work"
    mount -t overlay none -o "lowerdir=$venv,upperdir=$disk/upper,workdir=$disk/work" "$disk/home/altiplano/.venv"
fi
mount -t tmpfs none "$disk/mnt"
mkdir "$disk/mnt/studies" "$disk/mnt/wheels" "$disk/mnt/base" "$disk/mnt/own"
mount --bind "$studies" "$disk/mnt/studies"
mount --bind --read-only "$wheels" "$disk/mnt/wheels"
mount --bind --read-only "$base" "$disk/mnt/base"
[ -z "$own" ] || mount --bind --read-only "$own" "$disk/mnt/own"
mount --rbind "$disk/mnt" /mnt
mount --rbind "$disk/home" {HOME}
for place in /run /dev/shm /tmp "$@"; do [ ! -d "$place" ] || mount -t tmpfs -o mode=1777 none "$place"; done
seen() {{ [ -z "$1" ] || [ -d "$1/bin" ] || {{ mkdir -p "$1"; mount --bind "$2" "$1"; }}; }}
seen "$base" /mnt/base
seen "$own" /mnt/own
mkdir -m 755 /run/sshd
/usr/sbin/sshd -D -e -f {HOME}/.ssh/sshd_config &
wait
"""
"""What the first process does: mounts what is private over what is shared (the rest of the arguments is hidden), then serves SSH.

Python, and the laptop's virtual environment, are seen where they are, also if that is below what has been mounted over.
"""

TRIED = """
set -e
ip link add x type bridge
cd "$1" && mkdir lower upper work both
mount -t overlay none -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work" both
"""


class Machine:
    """One machine, switched on.

    Args:
        name: Its host name.
        disk: Where its home is kept, which outlives a loss of power.
        studies: The folder that all machines share.
        wheels: The folder that pip finds distributions in, there being no internet.
        own: A virtual environment that is used where it lies.
        venv: One that `~/altiplano/.venv` begins with; what is written into it stays on the machine.
        hidden: Folders that it shall not see.
    """

    def __init__(
        self,
        name: str,
        disk: Path,
        studies: Path,
        wheels: Path,
        *,
        own: Path | None = None,
        venv: Path | None = None,
        hidden: Sequence[Path] = (),
    ) -> None:
        self.name = name
        self.log = disk / "log"
        self.log.write_text("")
        begin = ["setpriv", "--pdeathsig", "KILL", "unshare", *NAMESPACES, "--fork", "--kill-child=KILL", "--mount-proc"]
        words = [name, disk, studies, wheels, sys.base_prefix, own or "", venv or "", *hidden]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*begin, "bash", "-c", FIRST, "first", *map(str, words)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"
            )
        until(lambda: self.process.poll() is not None or "Server listening" in self.said, 30, f"{name} does not start")
        if self.process.poll() is not None:
            raise AssertionError(f"{name} does not start: {self.said}")
        self.first = min(processes.descendants(self.process.pid))

    @property
    def said(self) -> str:
        """What its first process and its SSH server have printed."""
        return self.log.read_text(errors="replace")

    def within(self, *command: str, kinds: Sequence[str] = NAMESPACES) -> list[str]:
        """The command that runs a command on the machine, or in some of its namespaces."""
        return ["nsenter", f"--target={self.first}", *kinds, "--", *command]

    def shell(self, *command: str) -> list[str]:
        """The command that runs a command as its user would at a terminal, in `~/altiplano`."""
        return self.within("env", "-i", f"HOME={HOME}", "bash", "--login", "-c", 'cd "$HOME/altiplano" && exec "$@"', "bash", *command)

    def off(self) -> None:
        """Cut its power: no process of it is left when this returns."""
        family = [self.process.pid, *processes.descendants(self.process.pid)]
        processes.kill(self.first)
        self.process.wait(30)
        left = processes.wait_gone(family)
        if left:
            raise AssertionError(f"processes {left} outlive their machine {self.name}")


class LackingError(Exception):
    """This cannot be done here; says why."""


def demand() -> None:
    """See that machines can be made here.

    Raises:
        LackingError: Where they cannot.
    """
    if os.geteuid() != 0:
        raise LackingError("needs root, to make namespaces and a network of its own")
    for program, package in NEEDED.items():
        if shutil.which(program) is None:
            raise LackingError(f"needs {program}: apt-get install {package}")
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(
            ["unshare", *NAMESPACES, "--fork", "--mount-proc", "bash", "-c", TRIED, "tried", folder],
            capture_output=True,
            text=True,
            check=False,
        )
    if tried.returncode:
        raise LackingError(f"needs the right to make namespaces, bridges and overlays of folders: {tried.stderr.strip()}")
