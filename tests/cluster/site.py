"""A laptop and machines beside it, in one network of their own that the laptop's bridge makes, each with a home and an SSH server."""

import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.cluster.machines import HOME, ROOT, VENV, Machine

NETWORK = "10.77.0"

SSHD = f"""
HostKey {HOME}/.ssh/host_key
AuthorizedKeysFile {HOME}/.ssh/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
PidFile none
Subsystem sftp internal-sftp
"""


class Site:
    """A laptop and machines beside it, all in one network.

    Args:
        folder: Where their disks are kept, and the folder of the studies.
        venv: As `Machine` takes it; not for the laptop, which uses this one.
        wheels: Likewise.
    """

    def __init__(self, folder: Path, venv: Path | None, wheels: Path) -> None:
        self.folder, self.venv, self.wheels = folder, venv, wheels
        self.studies = folder / "studies"
        self.studies.mkdir()
        self.machines: dict[str, Machine] = {}
        key = self._disk("laptop") / "home/.ssh/id_ed25519"
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
        self.key = key.with_suffix(".pub").read_text()

    def __enter__(self) -> Self:
        """Switch the laptop on, bridge and all."""
        laptop = Machine("laptop", self.folder / "laptop", self.studies, self.wheels, own=VENV)
        self.machines["laptop"] = laptop
        _network(laptop, f"link add bridge type bridge; addr add {NETWORK}.254/24 dev bridge; link set bridge up")
        return self

    def __exit__(self, *error: object) -> None:
        for machine in self.machines.values():
            machine.off()

    @property
    def laptop(self) -> Machine:
        """Where the user sits."""
        return self.machines["laptop"]

    def on(self, name: str, number: int) -> str:
        """Switch a machine on, and plug it in; returns its address."""
        machine = Machine(name, self._disk(name), self.studies, self.wheels, venv=self.venv, hidden=[ROOT, VENV])
        self.machines[name] = machine
        _network(self.laptop, f"link add to-{name} type veth peer name eth0 netns {machine.first}; link set to-{name} master bridge up")
        _network(machine, f"addr add {NETWORK}.{number}/24 dev eth0; link set eth0 up; route add default via {NETWORK}.254")
        return f"{NETWORK}.{number}"

    def off(self, name: str) -> None:
        """Cut a machine's power."""
        self.machines.pop(name).off()

    def _disk(self, name: str) -> Path:
        """A machine's disk; a new one has the keys of an SSH server, a shell that finds this Python, and a pip that knows where to look."""
        disk = self.folder / name
        home = disk / "home"
        if home.exists():
            return disk
        for place in (home / ".ssh", home / ".config/pip", home / "altiplano", disk / "mnt", disk / "upper/bin", disk / "work"):
            place.mkdir(parents=True, mode=0o700)
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / ".ssh/host_key"))
        (home / ".ssh/sshd_config").write_text(SSHD)
        if name != "laptop":
            (home / ".ssh/authorized_keys").write_text(self.key)
        (home / ".bash_profile").write_text(". ~/.bashrc\n")
        (home / ".bashrc").write_text(f"export PATH={sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LANG=C.UTF-8\n")
        (home / ".config/pip/pip.conf").write_text("[global]\nno-index = true\nfind-links = /mnt/wheels\n")
        for script in self._scripts():
            rest = script.read_bytes().partition(b"\n")[2]
            copy = disk / "upper/bin" / script.name
            copy.write_bytes(f"#!{HOME}/altiplano/.venv/bin/python\n".encode() + rest)
            copy.chmod(0o755)
        return disk

    def _scripts(self) -> list[Path]:
        """Programs of the virtual environment that name its place in their first line."""
        if self.venv is None:
            return []
        mark = f"#!{self.venv}".encode()
        return [file for file in (self.venv / "bin").iterdir() if file.is_file() and file.read_bytes().startswith(mark)]


def _network(machine: Machine, commands: str) -> None:
    for command in commands.split("; "):
        _run(*machine.within("ip", *command.split(), kinds=["--net"]))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
