"""Recordings that a process keeps for groups to come, so that a method's steps are recorded once for each number of rows."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from torch import Tensor

from trainables import tree
from trainables.engine.replay import Tape
from trainables.tree import Tree

ROOM = 128 * 1024**2
"""Bytes that recordings may keep between groups: those of small nets, for which recording counts; a large one's takes more by itself."""


class Shelf(threading.local):
    """Tapes by what they follow from; those used last, as far as there is room.

    Each thread has tapes of its own: a tape is memory that a step is done in, by one at a time.
    """

    def __init__(self, room: int = ROOM) -> None:
        self.room = room
        self._tapes: OrderedDict[Hashable, Tape] = OrderedDict()

    def tape(self, key: Hashable, make: Callable[[], Tape]) -> Tape:
        """The tape of a key, made where there is none; whoever has it may keep it whatever becomes of it here."""
        tape = self._tapes.pop(key, None) or make()
        self._tapes[key] = tape
        while sum(one.nbytes() for one in self._tapes.values()) > self.room:
            self._tapes.popitem(last=False)
        return tape


SHELF = Shelf()
"""The process', a thread's part of it for each."""


def shapes(given: Tree) -> Hashable:
    """What of a tree's tensors a recording depends on: their names, how they lie, and which of them are one."""
    leaves = list(tree.leaves(given))
    first = {id(leaf): place for place, (_, leaf) in reversed(list(enumerate(leaves)))}
    return tuple((path, *_shape(leaf), first[id(leaf)]) for path, leaf in leaves)


def _shape(leaf: Tensor) -> tuple[Hashable, ...]:
    return leaf.dtype, leaf.device, tuple(leaf.shape), leaf.stride()
