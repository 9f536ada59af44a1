"""What faults of workers cost: training thrown away, a line each in the study's home, for the report's cost."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from search.page import Group
from trainables.evidence import FAULTS
from trainables.home import Home

KNOWN = {"epoch", "since", "seconds"}


class Losses:
    """Follows the groups' results, and puts down what a fault threw away; the driver alone writes it.

    A record that a full disk or a store that is away refuses waits for the next one: no search ends for want of it.

    Args:
        home: The study's home.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self._last: dict[str, Mapping[str, Any]] = {}
        self._unwritten: list[bytes] = []

    def heard(self, group: Group, result: Mapping[str, Any]) -> None:
        """A result of a group: where another worker gave the last one, what that had beyond this one's checkpoint is lost."""
        before = self._last.get(group.name)
        self._last[group.name] = result
        if before is not None and _worker(before) != _worker(result):
            self._record(group, lost(before, result.get("since", 0)))

    def dropped(self, group: Group) -> None:
        """A group was halved or given up, its checkpoints with it."""
        before = self._last.pop(group.name, None)
        if before is not None:
            self._record(group, lost(before, 0))

    def ended(self, group: Group) -> None:
        """A group has ended or was left, with all it has done."""
        self._last.pop(group.name, None)

    def _record(self, group: Group, seconds: float) -> None:
        line = json.dumps({"group": group.name, "method": group.method, "seconds": round(seconds, 3)})
        self._unwritten.append(line.encode() + b"\n")
        with suppress(OSError):
            self.home.write(FAULTS, b"".join((self.home.read(FAULTS) or b"", *self._unwritten)))
            self._unwritten = []


def lost(before: Mapping[str, Any], kept: int) -> float:
    """Seconds of training beyond epoch `kept` in a group's last result, at the pace of the worker that gave it.

    What the worker did after that result is not known and not counted.
    """
    done = before["epoch"] - before["since"] if before.keys() >= KNOWN else 0
    return before["seconds"] / done * max(0, before["epoch"] - kept) if done > 0 else 0.0


def _worker(result: Mapping[str, Any]) -> tuple[Any, Any]:
    return result.get("hostname"), result.get("pid")
