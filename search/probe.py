"""Whether every machine of a cluster sees the study's home: each reads what the driver wrote, and writes what the driver reads."""

from collections.abc import Iterable, Sequence
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from search.cluster import cluster
from search.errors import UserError
from trainables.home import Home, answer

SECONDS = 120.0
"""How long a machine may take to answer; starting its first process takes most of it."""

FOLDER = ".probe"


class Probe:
    """Looks at machines that it has not looked at yet.

    Args:
        home: The study's home.
        url: Its full path or URL, as workers are told it.
        seen: Machines that have answered well before.

    Attributes:
        seen: The machines that have answered well, by Ray's id; the driver's own need not.
    """

    def __init__(self, home: Home, url: str, seen: Iterable[str] = ()) -> None:
        self.home, self.url = home, url
        self.seen: set[str] = {ray.get_runtime_context().get_node_id(), *seen}

    def look(self) -> None:
        """Try every machine that is new.

        Raises:
            UserError: If one cannot use the home, or has not this program; every such machine is named, with its reason.
        """
        fresh = [node for node in ray.nodes() if node["Alive"] and node["NodeID"] not in self.seen]
        if not fresh:
            return
        self.home.write(f"{FOLDER}/driver", b"here")
        ask = ray.remote(num_cpus=0, max_retries=1)(answer)
        asked = {
            node["NodeID"]: ask.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(
                self.url, f"{FOLDER}/driver", f"{FOLDER}/{node['NodeID']}"
            )
            for node in fresh
        }
        ray.wait(list(asked.values()), num_returns=len(asked), timeout=SECONDS)
        faults = [f"{named(node)}: {fault}" for node in fresh if (fault := self._fault(asked[node["NodeID"]], node["NodeID"]))]
        self.home.remove(f"{FOLDER}/driver")
        self.home.drop(FOLDER)
        if faults:
            raise UserError(
                f"{self.url}: every machine of the cluster must read and write the study's home; {'; '.join(faults)}; "
                "mount it there, take the machine out of the cluster, or give a --home that all share (a mounted folder, s3://bucket/prefix)"
            )

    def _fault(self, asked: Any, node: str) -> str | None:
        """What is wrong with a machine; None also where it has left meanwhile."""
        try:
            found: str | None = ray.get(asked, timeout=0)  # pyright: ignore[reportAssignmentType] one reference, one answer
        except GetTimeoutError:
            return f"it has not answered within {SECONDS:.0f} s"
        except RayError as error:
            cause = getattr(error, "cause", None)
            if isinstance(cause, ImportError) or "ModuleNotFoundError" in str(error):
                return f"it has not this program ({str(error).strip().splitlines()[-1]}); install the same version there"
            return None if not any(one["NodeID"] == node and one["Alive"] for one in ray.nodes()) else str(error).splitlines()[-1]
        if found is None and self.home.read(f"{FOLDER}/{node}") != b"here":
            found = "what it writes there is not to be seen from here"
        self.home.remove(f"{FOLDER}/{node}")
        if found is None:
            self.seen.add(node)
        return found


def everywhere(home: Home, url: str, address: str, modules: Sequence[str] = ()) -> frozenset[str]:
    """Try every machine of a cluster before there is anything of a study, and leave nothing in its home.

    Args:
        home, url: As in `Probe`.
        address, modules: As in `cluster`.

    Returns:
        The machines, by Ray's id.

    Raises:
        UserError: As `Probe.look` does, or if there is no cluster.
    """
    with cluster(address, modules=modules):
        probe = Probe(home, url)
        probe.look()
        return frozenset(probe.seen)


def named(node: dict[str, Any]) -> str:
    """A machine as people know it."""
    host, address = node.get("NodeManagerHostname", ""), node.get("NodeManagerAddress", "")
    return f"{host} ({address})" if host and host != address else address
