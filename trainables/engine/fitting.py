"""Going on where memory does not suffice: fewer members are computed at a time."""

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

Result = TypeVar("Result")

log = logging.getLogger(__name__)

PHRASES = ("can't allocate memory", "not enough memory", "out of memory")
"""How torch says on a CPU, and where a library of the GPU's says it, that memory is short."""


def fitting(compute: Callable[[int | None], Result], chunk: int | None, rows: int) -> tuple[Result, int | None]:
    """compute(chunk), again with half as many rows at a time as often as it runs out of memory.

    Args:
        compute: A pure function: (rows computed at a time) -> result; what it returns does not depend on them.
        chunk: Rows at a time to begin with, all where it is None.
        rows: How many rows there are.

    Returns:
        The result, and the chunk that fitted, to begin with next time.

    Raises:
        MemoryError: If one row at a time is too many; the message says what to change.
    """
    while True:
        failure = None
        try:
            return compute(chunk), chunk
        except RuntimeError as error:  # torch.OutOfMemoryError is one
            if not _short_of_memory(error):
                raise
            failure = str(error).splitlines()[0]
        gc.collect()  # what the failed attempt held is in the error's frames, which are gone now
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        now = min(chunk or rows, rows)
        if now == 1:
            raise MemoryError(f"one member alone must fit into memory, it does not ({failure}); lower training.batch or the net's width")
        chunk = -(-now // 2)
        log.warning("out of memory with %d members at a time, going on with %d (%s)", now, chunk, failure)


@contextmanager
def heard(tell: Callable[[str], object]) -> Iterator[None]:
    """Within, whoever trains is told too what `fitting` writes into the log: `tell(message)`."""

    class Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            tell(record.getMessage())

    handler = Told(logging.WARNING)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


def _short_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or any(phrase in str(error) for phrase in PHRASES)
