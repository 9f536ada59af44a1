"""Groups that wait, as Ray's autoscaler sees them: resources asked for that nothing has been placed in.

Tune asks for as many groups as there is room for, and one more; an autoscaler that hears of one would start machines one by one. So for
each group beyond, a placement group is asked for, and given back as soon as it has got room, which is then a trial's. They end with the
driver, also where it is killed: `request_resources` would keep the machines, and their price, until somebody took it back.
"""

import time
from contextlib import suppress

from ray.exceptions import RayError
from ray.util import placement_group, placement_group_table, remove_placement_group
from ray.util.placement_group import PlacementGroup

MOST = 64
"""Groups that are shown at a time."""

EVERY = 1.0
"""Seconds between two looks."""


class Demand:
    """Shows how many groups wait.

    Args:
        cpu, gpu: What a group takes.
    """

    def __init__(self, cpu: float, gpu: float) -> None:
        self.need = {name: amount for name, amount in (("CPU", cpu), ("GPU", gpu)) if amount > 0}
        self.shown: list[PlacementGroup] = []
        self._looked = -EVERY

    def show(self, waiting: int) -> None:
        """Let so many groups be seen to wait; looks at the cluster every second only."""
        if time.monotonic() - self._looked < EVERY:
            return
        self._looked = time.monotonic()
        placed = {name for name, about in placement_group_table().items() if about["state"] == "CREATED"} if self.shown else set()
        self._remove([one for one in self.shown if one.id.hex() in placed])
        wanted = min(waiting, MOST)
        self._remove(self.shown[wanted:])
        self.shown += [placement_group([self.need]) for _ in range(wanted - len(self.shown))]

    def clear(self) -> None:
        """Nobody waits any more."""
        self._remove(self.shown)

    def _remove(self, gone: list[PlacementGroup]) -> None:
        for one in list(gone):
            self.shown.remove(one)
            with suppress(RayError, ValueError, TimeoutError):  # the cluster may be gone
                remove_placement_group(one)
