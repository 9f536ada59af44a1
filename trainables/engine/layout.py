"""Where results lie: each in memory of its own for as long as it is needed and no longer, so that a step is small enough for a cache."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, UntypedStorage

from trainables.engine.record import Call, Place, Recording, places
from trainables.engine.simplify import Program, changed

Renewal = tuple[Place, Place]
"""(where new state is made, where the old one lies)."""

WASTE = 2
"""A result may take over memory of at most so many times its size."""


@dataclass
class Memory:
    """The storages of a recording in real memory, and the tensors in them.

    Attributes:
        storages: As in `Recording`.
        home: Memory of each storage that has some.
        over: New state that lies where the old one does: storage to storage.
        shift: How much further on (elements) tensors of a storage lie than they did when recorded.
    """

    storages: dict[int, tuple[int, torch.device]]
    home: dict[int, UntypedStorage]
    over: dict[int, int] = field(default_factory=dict)
    shift: dict[int, int] = field(default_factory=dict)
    _tensors: dict[Place, Tensor] = field(default_factory=dict)

    def reserve(self, number: int) -> UntypedStorage:
        """The memory of a storage, fresh if it had none."""
        if number not in self.home:
            size, device = self.storages[number]
            self.home[number] = torch.empty(size, dtype=torch.uint8, device=device).untyped_storage()
        return self.home[number]

    def tensor(self, place: Place) -> Tensor:
        """The tensor at a place."""
        if place not in self._tensors:
            number = self.over.get(place.storage, place.storage)
            storage = self.reserve(number)
            bare = torch.empty(0, dtype=place.dtype, device=storage.device)
            self._tensors[place] = bare.set_(storage, place.offset + self.shift.get(number, 0), place.shape, place.strides)
        return self._tensors[place]

    def moved(self, olds: Sequence[Place], state: Sequence[Tensor], apart: Iterable[int]) -> "Memory":
        """The same memory but for the state, which lies in the given tensors, and for storages that shall have some of their own."""
        pairs = list(zip(olds, state, strict=True))
        home = {**self.home, **{old.storage: tensor.untyped_storage() for old, tensor in pairs}}
        for number in apart:
            home.pop(number, None)
        return Memory(self.storages, home, self.over, {old.storage: int(tensor.storage_offset()) - old.offset for old, tensor in pairs})


def laid_out(program: Program, recording: Recording, renewals: Sequence[Renewal]) -> tuple[Memory, list[Renewal]]:
    """Memory for all storages, and those renewals that have to be copied since the old state is needed beside the new."""
    over = overwriting(program, recording, renewals)
    memory = Memory(recording.storages, {number: tensor.untyped_storage() for number, tensor in recording.held.items()}, over)
    for number in {place.storage for place in program.outputs} | {number for call in program.once for number in call.makes}:
        memory.reserve(over.get(number, number))
    lasting, last = memory.home.keys() | over.keys(), last_uses(program.each)
    free: list[UntypedStorage] = []
    for index, call in enumerate(program.each):
        ending = {number for number in call.reads | call.makes if last[number] == index} - lasting
        for number in call.makes - memory.home.keys() - lasting:
            donor = next((one for one in ending & call.reads if fits_in_place(call, number, one, recording)), None)
            memory.home[number] = (
                memory.home[donor] if donor is not None else _taken(free, recording.storages[number]) or memory.reserve(number)
            )
            ending -= {donor}
        free += [memory.home[number] for number in ending]
    return memory, [(new, old) for new, old in renewals if new != old and new.storage not in over]


def overwriting(program: Program, recording: Recording, renewals: Sequence[Renewal]) -> dict[int, int]:
    """Storages of new state that can lie where the old one lies: nothing reads that any more when they are made."""
    made = {number: index for index, call in reversed(list(enumerate(program.each))) for number in call.makes}
    read = {number: index for index, call in enumerate(program.each) for number in call.reads}
    outputs, olds = Counter(place.storage for place in program.outputs), Counter(old.storage for _, old in renewals)
    unsteady = changed(program.each)
    found = {}
    for new, old in renewals:
        if new.storage not in made or outputs[new.storage] > 1 or olds[old.storage] > 1 or {new.storage, old.storage} & unsteady:
            continue
        gap = made[new.storage] - read.get(old.storage, -1)
        in_place = gap == 0 and fits_in_place(program.each[made[new.storage]], new.storage, old.storage, recording)
        if _same_shape(new, old, recording) and (gap > 0 or in_place):
            found[new.storage] = old.storage
    return found


def fits_in_place(call: Call, result: int, argument: int, recording: Recording) -> bool:
    """Whether the call may write the result over an argument: number by number, both laid out alike."""
    if torch.Tag.pointwise not in call.operator.tags:
        return False
    made = [place for place in places(call.out) if place.storage == result]
    given = [place for place in places((call.args, call.options)) if place.storage == argument]
    return all(_same_shape(one, other, recording) for one in made for other in given)


def last_uses(calls: Iterable[Call]) -> dict[int, int]:
    """Index of the last call that touches each storage."""
    return {number: index for index, call in enumerate(calls) for number in call.reads | call.makes}


def _same_shape(one: Place, other: Place, recording: Recording) -> bool:
    return one[1:] == other[1:] and recording.storages[one.storage] == recording.storages[other.storage]


def _taken(free: list[UntypedStorage], wanted: tuple[int, torch.device]) -> UntypedStorage | None:
    """The memory freed last, and so warmest in the caches, that fits; taken from the list."""
    size, device = wanted
    for index in reversed(range(len(free))):
        if size <= free[index].nbytes() <= WASTE * size and free[index].device == device:
            return free.pop(index)
    return None
