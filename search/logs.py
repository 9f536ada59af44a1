"""Last words: a worker's that died, from the end of its log in Ray's folder on this machine, and Tune's own, which nobody need hear."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search import cluster

LINES, LENGTH = 3, 300
"""How many lines of a log, and letters in all, a failure quotes."""


def last_lines(process: int | None) -> str:
    """The last lines that a worker of our own Ray wrote, in one; empty where they cannot be found."""
    folder = cluster.logs()
    if process is None or folder is None:
        return ""
    for file in sorted(folder.glob(f"worker-*-{process}.err")) + sorted(folder.glob(f"worker-*-{process}.out")):
        lines = [line.strip() for line in _end(file).splitlines() if line.strip() and not line.startswith(":")]
        if lines:
            return " | ".join(lines[-LINES:])[-LENGTH:]
    return ""


def _end(file: Path) -> str:
    with file.open("rb") as content:
        content.seek(max(0, file.stat().st_size - 4096))
        return content.read().decode(errors="replace")


@contextmanager
def trials_unsaid() -> Iterator[None]:
    """Keep back the list with which Tune ends, of failed trials by names of its own: the searcher has told of each why it failed."""
    tune = logging.getLogger("ray.tune.tune")
    tune.addFilter(_no_list)
    try:
        yield
    finally:
        tune.removeFilter(_no_list)


def _no_list(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Trials did not complete")
