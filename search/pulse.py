"""Which machines of a cluster are there, and whether one that is not took a trial with it."""

import socket
import time
from typing import Any

import ray
from ray.exceptions import RayActorError

ANSWER_SECONDS = 3.0
"""How long a machine may take to answer a call; one that is there takes milliseconds."""


class Pulse:
    """Notices when a cluster has lost its last machine, which Tune would wait for without end."""

    def __init__(self, every: float = 5.0, patience: float = 6.0) -> None:
        self.every, self.patience = every, patience
        self.asked = self.seen = time.monotonic()
        self.there: set[str] = set()

    def gone(self) -> bool:
        """Whether there has been no machine for a while; asks Ray every few seconds only."""
        now = time.monotonic()
        if now - self.asked >= self.every:
            self.asked = now
            self.there = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
            if self.there:
                self.seen = now
        return now - self.seen > self.patience

    def joined(self, known: set[str]) -> bool:
        """Whether there is a machine that is not among those known, as far as `gone` has heard."""
        return not self.there <= known


def machine_lost(error: BaseException | None, known: set[str]) -> bool:
    """Whether a worker ended because its machine left the cluster, killed, taken back or broken, and not by itself.

    Ray notices a machine's end some seconds after its workers', and says "unavailable" until then; so those that were `known` are asked.
    """
    cause = getattr(error, "cause", None)
    ends = [one for one in (error, cause) if isinstance(one, RayActorError)]
    if any(one.preempted or "node has died" in str(one) for one in ends):
        return True
    return bool(ends) and not all(_answers(node) for node in ray.nodes() if node["NodeID"] in known)


def _answers(node: dict[str, Any]) -> bool:
    return node["Alive"] and listens(node["NodeManagerAddress"], node["NodeManagerPort"])


def listens(host: str, port: int) -> bool:
    """Whether something answers at a port of a machine."""
    try:
        socket.create_connection((host, port), ANSWER_SECONDS).close()
    except OSError:
        return False
    return True
