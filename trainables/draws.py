"""The one source of random numbers: streams named by what they are for.

A stream is fixed by (seed, purpose, counters) alone, so what a member draws never depends on which other members,
machines or epochs came before it. Nothing else in the project makes random numbers.
"""

import zlib
from collections.abc import Callable

import numpy as np

Streams = Callable[[str], np.random.Generator]
"""Streams of one member in one epoch: purpose to generator."""


def stream(seed: int, purpose: str, *counters: int) -> np.random.Generator:
    """The random stream of (seed, purpose, counters): same arguments, same numbers, in any process."""
    key = [len(counters), zlib.crc32(purpose.encode()), seed, *counters]  # the count first: numpy takes trailing zeros for nothing
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


def streams(seed: int, *counters: int) -> Streams:
    """The streams of one seed at the given counters (an epoch, say), to be asked for by purpose."""
    return lambda purpose: stream(seed, purpose, *counters)
