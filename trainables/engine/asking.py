"""What is asked of a group between steps: mapped over its members, or replayed from a recording, as `pace` does with steps.

Mapping costs some milliseconds beside the arithmetic, in every epoch. Both give the same answers but for rounding.
"""

from collections.abc import Callable, Hashable
from typing import NamedTuple

from torch.func import vmap

from trainables import tree
from trainables.engine.group import count
from trainables.engine.pace import parts
from trainables.engine.replay import Replay, Tape
from trainables.engine.shelf import SHELF, Shelf, shapes
from trainables.engine.step import Member
from trainables.tree import Tree

Question = Callable[[Member, Tree], Tree]
"""(member, examples that all members are shown) -> tensors about the member. Pure; branches on no number of a tensor."""

Ask = Callable[[Question, Member, Tree], Tree]
"""(question, group, examples) -> the answers, row by row. Tensors of the examples are (N, ...)."""


def mapped(chunk: int | None = None) -> Ask:
    """Asks `chunk` rows at a time, all at once by default."""
    return lambda question, group, shown: vmap(question, in_dims=(0, None), chunk_size=chunk)(group, shown)


class Answering(NamedTuple):
    """Some rows of a group that answer a question."""

    tape: Tape
    replay: Replay


class Replayed:
    """An `Ask` that is replayed, a few rows at a time. Each question is recorded once for its number of rows and examples.

    Args:
        examples: Rows times examples computed at a time, at most, unless one row has more; those of a step, say, whose memory does.
        origin: As of `Pace`; it must also say what questions are made from, but for their name.
    """

    def __init__(self, examples: int, origin: str | None = None) -> None:
        self.examples = examples
        self.origin = origin
        self._shelf = Shelf() if origin is None else SHELF
        self._tapes: dict[Hashable, Tape] = {}
        self._group: Member | None = None
        self._answering: dict[Hashable, list[Answering]] = {}

    def __call__(self, question: Question, group: Member, shown: Tree) -> Tree:
        """The answers of every row, which the next call leaves alone."""
        if group is not self._group:
            self._group, self._answering = group, {}
        seen = dict(tree.leaves(shown))
        name = question.__qualname__, shapes(shown)
        if name not in self._answering:
            rows = count(group)
            most = max(1, self.examples // len(next(iter(seen.values()))))
            self._answering[name] = [self._made(question, tree.take(group, part), shown) for part in parts(rows, most)]
        found = []
        for tape, replay in self._answering[name]:
            for path, target in tape.reads.items():
                target.copy_(seen[path])
            found.append(replay())
        return tree.concat(found)  # a copy

    def nbytes(self) -> int:
        """Bytes that recordings keep."""
        return sum(tape.nbytes() for tape in self._tapes.values())

    def _made(self, question: Question, part: Member, shown: Tree) -> Answering:
        key = self.origin, question.__qualname__, shapes((part, shown))
        if key not in self._tapes:
            every = vmap(question, in_dims=(0, None))
            self._tapes[key] = self._shelf.tape(key, lambda: Tape(lambda state, seen: (state, every(state, seen)), part, shown))
        return Answering(self._tapes[key], self._tapes[key].bound(part))
