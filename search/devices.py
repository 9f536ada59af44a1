"""The kinds of devices of a cluster: how many groups each has room for, and how many members a group should have there.

A kind is what Ray calls an accelerator's type; machines without one are a kind of their own. On each kind the study's methods are timed
once, by a task on one of its machines; the study's home keeps what was found.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from search.files import Told
from search.plan import sizes_here
from search.study import Study
from trainables.home import Home

FILE = "sizes.json"
"""What was found, in a study's home: members of each method's groups, by kind of device."""

PREFIX = "accelerator_type:"
"""How Ray's resource that names an accelerator's type begins."""

SECONDS = 300.0
"""How long a search waits at its beginning for the first kinds to be timed; later ones are timed while it goes on."""

UNKNOWN = 0
"""Size of groups that could not be timed."""

EVERY = 1.0
"""Seconds for which an answer about the cluster's machines is good."""


class Devices:
    """What a cluster trains on.

    Args:
        study: The study.
        home: Its home.
        told: Is told what is being timed, and what was found.

    Attributes:
        sizes: Members of each method's groups, by kind of device, as far as is known.
    """

    def __init__(self, study: Study, home: Home, told: Told) -> None:
        self.study, self.home, self.told = study, home, told
        self.sizes: dict[str, dict[str, int]] = json.loads(home.read(FILE) or b"{}")
        self._asked: dict[str, Any] = {}
        self._nodes: list[dict[str, Any]] = []
        self._looked = -EVERY

    def rooms(self) -> dict[str, int]:
        """How many groups each kind of device has room for at a time, those that have any."""
        found: dict[str, int] = {}
        for node in self._alive():
            found[kind_of(node)] = found.get(kind_of(node), 0) + self._groups_on(node)
        return {kind: room for kind, room in found.items() if room}

    def free(self, taken: Mapping[str, int]) -> str | None:
        """The kind for the next group where `taken` says how many each has, or None where it should wait.

        With one kind, one group more than there is room for is handed out, so that nobody waits for the ledger; with several a group is
        asked for only when it is known where it will run.
        """
        rooms = self.rooms()
        if len(rooms) < 2:
            return next(iter(rooms), "") if sum(taken.values()) <= max(1, *rooms.values(), 0) else None
        left = {kind: room - taken.get(kind, 0) for kind, room in rooms.items()}
        best = max(left, key=left.__getitem__)
        return best if left[best] > 0 else None

    def size(self, kind: str, method: str) -> int | None:
        """Members of a method's groups on a kind of device; None where it has not been timed."""
        return self.sizes.get(kind, {}).get(method) or None

    def at(self, address: str) -> str:
        """The kind of the machine at an address."""
        return next((kind_of(node) for node in self._alive() if node["NodeManagerAddress"] == address), "")

    def begin(self, stopped: Callable[[], bool]) -> None:
        """Time the methods on every kind that there is, and wait for it unless the user stops."""
        end = time.monotonic() + SECONDS
        self.look()
        while self._asked and time.monotonic() < end and not stopped():
            ray.wait(list(self._asked.values()), num_returns=len(self._asked), timeout=EVERY)
            self.look()

    def look(self) -> None:
        """Take in what has been timed meanwhile, and have new kinds timed; nothing where the study says how large groups are."""
        if self.study.group != "auto":
            return
        self._take()
        for node in self._alive():
            kind = kind_of(node)
            known = self.sizes.get(kind, {}).keys() >= self.study.spaces.keys()
            if not known and kind not in self._asked and self._groups_on(node):
                self.told("note", f"timing groups of every method on {named(kind)}")
                self._asked[kind] = self._time(node)

    def _time(self, node: dict[str, Any]) -> Any:
        resources, place = self.study.resources, NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        task = ray.remote(max_retries=1, num_cpus=resources.cpu, num_gpus=resources.gpu)(sizes_here)
        return task.options(scheduling_strategy=place).remote(self.study.dump())

    def _take(self) -> None:
        for kind, asked in list(self._asked.items()):
            try:
                found: dict[str, int] = ray.get(asked, timeout=0)  # pyright: ignore[reportAssignmentType] one reference, one answer
            except GetTimeoutError:
                continue
            except RayError as error:
                found = {}
                reason = str(error).strip().splitlines()[-1]
                self.told("note", f"groups could not be timed on {named(kind)} ({reason}); they have the usual size")
            del self._asked[kind]
            self.sizes[kind] = found or dict.fromkeys(self.study.spaces, UNKNOWN)
            if found:
                kept = {key: value for key, value in self.sizes.items() if UNKNOWN not in value.values()}
                with suppress(OSError):  # a full disk: the next search times them again
                    self.home.write(FILE, (json.dumps(kept, indent=1) + "\n").encode())
                self.told("note", f"on {named(kind)}: groups of {', '.join(f'{size} ({name})' for name, size in found.items())}")

    def _groups_on(self, node: dict[str, Any]) -> int:
        resources = self.study.resources
        there = node["Resources"]
        rooms = [there.get(name, 0.0) // need for name, need in (("CPU", resources.cpu), ("GPU", resources.gpu)) if need > 0]
        return int(min(rooms))

    def _alive(self) -> list[dict[str, Any]]:
        if time.monotonic() - self._looked >= EVERY:
            self._looked = time.monotonic()
            self._nodes = [node for node in ray.nodes() if node["Alive"]]
        return self._nodes


def kind_of(node: Mapping[str, Any]) -> str:
    """The kind of a machine's device: its accelerator's type, or nothing."""
    return min((name.removeprefix(PREFIX) for name in node["Resources"] if name.startswith(PREFIX)), default="")


def named(kind: str) -> str:
    """A kind in words."""
    return kind or "machines without an accelerator"
