"""What a study's home says beside the ledger: evidence that workers left, checkpoints that nobody needs, room on the disk."""

import io
import shutil
from collections.abc import Callable

from search.ledger import Ledger
from search.page import Group
from trainables import checkpoints, evidence, job
from trainables.evidence import Evidence
from trainables.home import Home

WRITTEN = (checkpoints.FOLDER, "evidence", "evidence-test", "splits", "mixers", "mixtures")
"""Folders of a home that workers write to."""

Told = Callable[[str, str], None]
"""(kind, text) -> None: something happened."""


def reconcile(ledger: Ledger, home: Home, told: Told) -> list[Group]:
    """Settle what has evidence and no outcome; return the groups that are to be run again.

    Evidence that cannot be read is set aside, and its group runs again.
    """
    again = []
    for group in ledger.in_flight():
        try:
            if home.exists(evidence_file(group)):
                settle(ledger, home, group)
                continue
        except ValueError as error:
            home.move(evidence_file(group), f"{evidence_file(group)}.unusable")
            told("note", f"{error}; set aside, {group.name} is trained again")
        again.append(group)
    sweep(ledger, home)
    return again


def settle(ledger: Ledger, home: Home, group: Group) -> None:
    """Tell the ledger what a group's evidence says, and remove what the group no longer needs.

    Raises:
        ValueError: If there is no evidence, or it cannot be read or is not the group's.
    """
    ledger.settle(group, read_evidence(home, group))
    forget(home, group)


def forget(home: Home, group: Group) -> None:
    """Remove the checkpoints of a group that has ended, half-written ones too; mostly its worker has done so itself."""
    for name in (*home.names(checkpoints.FOLDER), *home.unfinished(checkpoints.FOLDER)):
        if checkpoints.group_of(name) == group.name:
            home.remove(f"{checkpoints.FOLDER}/{name}")


def sweep(ledger: Ledger, home: Home) -> None:
    """Remove checkpoints of groups that are not in flight, and every file that a killed process has half written."""
    alive = {group.name for group in ledger.in_flight()}
    for name in home.names(checkpoints.FOLDER):
        if checkpoints.group_of(name) not in alive:
            home.remove(f"{checkpoints.FOLDER}/{name}")
    for folder in WRITTEN:
        for name in home.unfinished(folder):
            home.remove(f"{folder}/{name}")


def read_evidence(home: Home, group: Group) -> list[Evidence]:
    """The members that a group left."""
    name = evidence_file(group)
    content = home.read(name)
    if content is None:
        raise ValueError(f"{home.at(name)} must be there once its group is done; is the home the same folder on every machine?")
    try:
        return evidence.read(io.BytesIO(content))
    except ValueError as error:
        raise ValueError(f"{home.at(name)} cannot be read: {error}") from error


def evidence_file(group: Group) -> str:
    """Where a group's evidence is, within a study's home."""
    return job.evidence_file(group.name, group.split)


class Room:
    """Whether the disk has room for another group; says so when that changes."""

    def __init__(self, home: Home, reserve: int, told: Told) -> None:
        self.home, self.reserve, self.told = home, reserve, told
        self.short = False

    def enough(self) -> bool:
        """Whether the home's disk has more than the reserve left; always so where the home is no local folder."""
        free = shutil.disk_usage(self.home.local).free if self.home.local and self.home.local.exists() else None
        short = free is not None and free < self.reserve
        if short and not self.short:
            needed = f"{self.reserve / 1e6:.0f} MB must be free"
            self.told("note", f"{self.home.url}: {needed}, {(free or 0) / 1e6:.0f} MB are; no new group begins before there is room")
        if self.short and not short:
            self.told("note", "there is room again; going on")
        self.short = short
        return not short
