"""Ray on its way while the driver still tries methods: a thread starts it, so that the search need not wait for either alone."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import ray

from search import cluster


class Early:
    """A Ray of our own that a thread starts, until it is taken or put away."""

    def __init__(self, begin: Callable[[], Path], thread: Executor) -> None:
        self._coming = thread.submit(begin)
        self._taken = False

    def take(self) -> Path | None:
        """Its folder, once it is there, for whoever ends it; None where somebody has it already.

        Raises:
            RayGone: If it did not come up.
        """
        if self._taken:
            return None
        self._taken = True
        return self._coming.result()


@contextmanager
def early(*, warm: bool = False) -> Iterator[Early | None]:
    """A Ray of our own, begun now; put away afterwards if nobody took it. None where this process is connected to one already.

    Its thread stays for as long as Ray may live: Linux ends what Ray starts there, as Ray asks it to, when the thread ends.
    """
    if ray.is_initialized():
        yield None
        return
    with cluster.environment(), ThreadPoolExecutor(1, "ray") as thread:
        begun = Early(lambda: cluster.started(warm=warm), thread)
        try:
            yield begun
        finally:
            cluster.put_away(begun)
