"""A function of tensors done again and again in the same memory.

It is recorded once, simplified and laid out: every result has its place beforehand, results that are no longer needed leave theirs to
later ones, and new state is written over the old. What remains of a call is its arithmetic.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from trainables import tree
from trainables.engine.kernels import Command, command
from trainables.engine.layout import laid_out
from trainables.engine.record import record
from trainables.engine.simplify import simplified
from trainables.tree import Tree

TOLERANCE = 0.5
"""Share of a tensor's largest change by which the replayed may miss the recorded one. It is meant for faults: what a deep net in float32
makes of rounding within one step of SAM has been seen to reach 0.06."""


class Tape:
    """(state, inputs) -> (new state, more), recorded, to be done to states of the same shapes.

    Attributes:
        reads: What it reads beside the state, for the caller to fill: tensors by their path in the inputs, as `tree.leaves` names them.
    """

    def __init__(self, function: Callable[[Tree, Tree], tuple[Tree, Tree]], state: Tree, inputs: Tree) -> None:
        """Record the function at (state, inputs), which stay as they are.

        Args:
            function: Pure; branches on no number of a tensor.
            state, inputs: Trees of tensors. Leaves of the inputs that are one tensor stay one.

        Raises:
            ValueError: If the replay does not compute what the function does.
        """
        begun = tree.map_once(Tensor.clone, state)  # a state that is part of a larger one would seem to fit no result
        given = tree.map_once(Tensor.clone, inputs)
        result, recording = record(lambda *arguments: _free_of(arguments, function(*arguments)), begun, given)
        self._program = simplified(recording)
        self._olds = recording.inputs[: len(list(tree.leaves(state)))]
        self._memory, self._copied = laid_out(self._program, recording, list(zip(self._program.outputs, self._olds, strict=False)))
        for call in self._program.once:
            _do(command(call, self._memory))
        self._more = result[1]
        read = {number for call in self._program.each for number in call.reads}
        places = recording.inputs[len(self._olds) :]
        first = {place: leaf for leaf, place in reversed(list(zip(tree.leaves(given), places, strict=True))) if place.storage in read}
        self.reads: dict[str, Tensor] = dict(first.values())
        trial = tree.map(torch.clone, state)
        _check(state, result, (trial, self.bound(trial)()))
        for old in self._olds:  # the state that it was recorded at, which may be let go of
            self._memory.home.pop(old.storage, None)

    def nbytes(self) -> int:
        """Bytes of memory beside the state's; all that is bound shares it."""
        states = {old.storage for old in self._olds}
        own = {storage.data_ptr(): storage.nbytes() for number, storage in self._memory.home.items() if number not in states}
        return sum(own.values())

    def bound(self, state: Tree) -> "Replay":
        """The recorded function for one state, which it renews in place."""
        extra = self._program.outputs[len(self._olds) :]
        made = {number for call in self._program.each for number in call.makes}
        own = [place.storage for place in extra if place.storage in made]
        memory = self._memory.moved(self._olds, [leaf for _, leaf in tree.leaves(state)], own)
        commands = [command(call, memory) for call in self._program.each]
        commands += [(memory.tensor(old).copy_, (memory.tensor(new),), {}) for new, old in self._copied]
        paths = [path for path, _ in tree.leaves(self._more)]
        return Replay(commands, tree.fill(self._more, dict(zip(paths, (memory.tensor(place) for place in extra), strict=True))))


class Replay(NamedTuple):
    """A recorded function bound to a state: what to do, and where it leaves what is not state; the next call overwrites it."""

    commands: list[Command]
    more: Tree

    def __call__(self) -> Tree:
        """Renew the state; return `more`."""
        with torch.no_grad():
            for function, args, options in self.commands:
                function(*args, **options)
        return self.more


def _free_of(given: tuple[Tree, Tree], result: tuple[Tree, Tree]) -> tuple[Tree, Tree]:
    """The result with copies in place of leaves that lie in the memory of an argument, but for state that stays as it is."""
    theirs = {leaf.untyped_storage().data_ptr() for _, leaf in tree.leaves(given)}
    kept = dict(tree.leaves(given[0]))

    def freed(path: str, leaf: Tensor, state: bool) -> Tensor:
        same = state and leaf is kept[path]
        return leaf if same or leaf.untyped_storage().data_ptr() not in theirs else leaf.clone()

    new, more = ({path: freed(path, leaf, part == 0) for path, leaf in tree.leaves(one)} for part, one in enumerate(result))
    return tree.fill(result[0], new), tree.fill(result[1], more)


def _do(ready: Command) -> None:
    function, args, options = ready
    function(*args, **options)


def _check(state: Tree, expected: tuple[Tree, Tree], found: tuple[Tree, Tree]) -> None:
    before = {f"0/{path}": leaf for path, leaf in tree.leaves(state)}
    for (path, want), (_, have) in zip(tree.leaves(expected), tree.leaves(found), strict=True):
        if not torch.allclose(have, want, rtol=0, atol=_allowed(want, before.get(path, torch.zeros_like(want))), equal_nan=True):
            raise ValueError(f"{path} must be replayed as recorded; the largest difference is {(have - want).abs().max().item():g}")


def _allowed(want: Tensor, before: Tensor) -> float:
    """How far numbers may be off: the root of the rounding unit at least, since a gradient of 0 but for rounding has no digit right."""
    change = (want - before).abs()
    if not want.is_floating_point() or not change.isfinite().any():
        return 0.0
    return TOLERANCE * change[change.isfinite()].max().item() + torch.finfo(want.dtype).eps ** 0.5
