"""How a group is advanced: mapped anew in each step, or replayed from a recording of the first one.

Mapping costs some milliseconds a step beside the arithmetic, recording the time of some steps once. So long runs on a CPU are replayed, a
few members at a time so that their numbers stay in its caches. Both give the same numbers but for rounding.
"""

from collections.abc import Callable, Hashable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import vmap

from trainables import tree
from trainables.axes import Method, Scalars
from trainables.engine.fitting import fitting
from trainables.engine.group import advance, count
from trainables.engine.replay import Replay, Tape
from trainables.engine.shelf import SHELF, Shelf, shapes
from trainables.engine.step import Inputs, Member, Step, phase, phase_number

RECORDED_FROM = 30
"""Steps of a run from which on recording pays: it takes as long as 5 mapped steps, and again for each size that a group shrinks to."""

AT_A_TIME = 16
"""Members replayed together unless said otherwise, where the net has no maps: about as fast as any number, unless they are small ones.
With maps it is one."""

SMALL = 9 << 18
"""Bytes of weights, 2.25 MiB, up to which more members are replayed together, where the net has no maps: caches hold no more. 20 members of
26,000 weights each take 0.97 of the time of two parts, 20 of 4,000 take 0.82; but 28 of 26,000 take 1.02, and 20 of 84,000 take 1.05."""

PICTURES = 5
"""Axes of a group's batch of pictures: rows, examples, channels, height, width."""


class Part(NamedTuple):
    """Some rows of a group: which they are, their tensors where the group has them, and their replay of each phase."""

    rows: slice
    state: Member
    replays: dict[Hashable, Replay]


class Pace:
    """Advances a group, at most `chunk` rows at a time.

    A group that is replayed is changed where it lies. Replays have memory of their own, about what one step of `chunk` rows takes.

    Args:
        step: A member's step.
        method: The method that it steps by.
        chunk: Rows computed at a time; by default all where they are mapped, few where they are replayed.
        recorded: Whether to replay.
        spatial: Whether the net has maps: pictures of a member that is replayed by itself then have their channels last.
        origin: Says all that the step was made from, where its recordings may serve groups to come.
    """

    def __init__(
        self, step: Step, method: Method, chunk: int | None, recorded: bool, *, spatial: bool = False, origin: str | None = None
    ) -> None:
        self.step = step
        self.method = method
        self.chunk = chunk
        self.recorded = recorded
        self.spatial = spatial
        self.origin = origin
        self._group: Member | None = None
        self._parts: list[Part] = []
        self._tapes: dict[tuple[int, Hashable], Tape] = {}

    def advance(self, group: Member, inputs: Inputs, turn: int) -> tuple[Member, Scalars]:
        """One step of every member, as `group.advance` takes it."""
        if not self.recorded:
            rows = count(group)
            done, self.chunk = fitting(lambda chunk: advance(self.step, group, inputs, turn, chunk), self.chunk, rows)
            return done
        if self._group is None or group is not self._group:
            group = self._begin(group)
        seen = dict(tree.leaves(inputs))
        logged = []
        for part in self._parts:
            tape, replay = self._recorded(part, inputs, turn)
            for path, target in tape.reads.items():
                target.copy_(seen[path][part.rows])
            logged.append(replay())
        return group, {name: torch.cat([scalars[name] for scalars in logged]) for name in logged[0]}

    def nbytes(self) -> int:
        """Bytes that recordings keep beside the group."""
        return sum(tape.nbytes() for tape in self._tapes.values())

    def _begin(self, group: Member) -> Member:
        """A copy of the group, to be changed; tapes for parts of other sizes than it has are let go of."""
        own = self._group = tree.map(lambda leaf: leaf.clone(memory_format=torch.contiguous_format), group)
        rows = count(group)
        most = self.chunk or (1 if self.spatial else max(AT_A_TIME, rows * SMALL // tree.nbytes(own.model.params)))
        self._parts = [Part(part, tree.take(own, part), {}) for part in parts(rows, most)]
        sizes = {part.rows.stop - part.rows.start for part in self._parts}
        self._tapes = {key: tape for key, tape in self._tapes.items() if key[0] in sizes}
        return own

    def _recorded(self, part: Part, inputs: Inputs, turn: int) -> tuple[Tape, Replay]:
        """The tape for the part's size and the step's phase, recorded where there is none yet, and its replay for the part."""
        now = phase(self.method, turn)
        rows = part.rows.stop - part.rows.start
        if (rows, now) not in self._tapes:
            seen = tree.map_once(lambda leaf: self._placed(leaf[part.rows]), inputs)
            shelf = Shelf() if self.origin is None else SHELF
            key = self.origin, phase_number(self.method, turn), shapes((part.state, seen))
            self._tapes[rows, now] = shelf.tape(key, lambda: Tape(self._together(rows, turn), part.state, seen))
        if now not in part.replays:
            part.replays[now] = self._tapes[rows, now].bound(part.state)
        return self._tapes[rows, now], part.replays[now]

    def _together(self, rows: int, turn: int) -> Callable[[Member, Inputs], tuple[Member, Scalars]]:
        """The step of so many members: mapped, or plain for a single one, which saves it the way there and back."""

        def alone(member: Member, seen: Inputs) -> tuple[Member, Scalars]:
            return tree.map(lambda leaf: leaf[None], self.step(tree.take(member, 0), tree.take(seen, 0), turn))

        return alone if rows == 1 else vmap(lambda member, seen: self.step(member, seen, turn), randomness="error")

    def _placed(self, leaf: Tensor) -> Tensor:
        """An input as it lies best: convolutions of one member are faster with channels last (ResNet-18 on 32 x 32: 251 ms for 293)."""
        if self.spatial and leaf.dim() == PICTURES and leaf.shape[0] == 1:
            return leaf[0].contiguous(memory_format=torch.channels_last)[None]
        return leaf


def pays(device: str, steps: int) -> bool:
    """Whether a run of so many steps is better replayed. On GPUs it has not been measured."""
    return device == "cpu" and steps >= RECORDED_FROM


def parts(rows: int, most: int) -> list[slice]:
    """Consecutive parts of `rows` rows, as few and as equal as can be with at most `most` in each."""
    number = -(-rows // most)
    ends = [rows * (index + 1) // number for index in range(number)]
    return [slice(begin, end) for begin, end in zip([0, *ends], ends, strict=False)]
