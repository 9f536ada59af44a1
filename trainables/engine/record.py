"""What a function computes, written down: every tensor operation in order, as plain data.

Operations are noted where torch.func's transforms have been worked off, so those of a mapped, differentiated step are batched ones on
plain tensors. The engine's steps branch on no tensor and draw nothing, which makes a recording of one step good for all that are like it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from trainables import tree
from trainables.tree import Tree

CONCEALING = frozenset({"aten::native_batch_norm", "aten::cudnn_batch_norm"})
"""Operations that update running statistics, their fourth and fifth argument, which their schemas do not say."""


class Place(NamedTuple):
    """Where a tensor lies: the number of its storage, and its type, shape, strides and offset (elements) there."""

    storage: int
    dtype: torch.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int


@dataclass(frozen=True, eq=False)
class Call:
    """One operation, with a `Place` wherever a tensor stood."""

    operator: OpOverload
    args: tuple[Any, ...]
    options: tuple[tuple[str, Any], ...]
    out: tuple[Any, ...]

    @cached_property
    def reads(self) -> set[int]:
        """Storages of all arguments, those that it writes into included."""
        return {place.storage for place in places((self.args, self.options))}

    @cached_property
    def makes(self) -> set[int]:
        """Storages of all results."""
        return {place.storage for place in places(self.out)}

    @cached_property
    def changes(self) -> set[int]:
        """Storages of arguments that it writes numbers into."""
        if torch.Tag.inplace_view in self.operator.tags:
            return set()
        expected, named = schema(self.operator).arguments, dict(self.options)
        given = [*self.args, *(named.get(argument.name) for argument in expected[len(self.args) :])]
        written = [value for value, argument in zip(given, expected, strict=True) if _is_written(argument)]
        if schema(self.operator).name in CONCEALING:
            written += self.args[3:5]
        return {place.storage for place in places(tuple(written))}


class Recording(NamedTuple):
    """What a function did.

    Attributes:
        calls: Its operations.
        inputs, outputs: Where the leaves of its arguments and of its result lie.
        held: Tensors that were there before, by number of their storage: the inputs, and what the function had from elsewhere.
        storages: Size (bytes) and device of each storage.
    """

    calls: list[Call]
    inputs: list[Place]
    outputs: list[Place]
    held: dict[int, Tensor]
    storages: dict[int, tuple[int, torch.device]]


def record(function: Callable[..., Tree], *arguments: Tree) -> tuple[Tree, Recording]:
    """Call the function and note what it does: (its result, the recording)."""
    recorder = _Recorder()
    inputs = [recorder.hold(leaf) for _, leaf in tree.leaves(arguments)]
    with torch.no_grad(), recorder:
        result = function(*arguments)
    outputs = [recorder.place(leaf) for _, leaf in tree.leaves(result)]
    return result, Recording(recorder.calls, inputs, outputs, recorder.held, recorder.storages)


def schema(operator: OpOverload) -> Any:
    """The operation's name, arguments and what becomes of them."""
    return operator._schema  # noqa: SLF001  torch has no other way to ask


def places(value: Any) -> Iterator[Place]:
    """Every place in an argument, however nested."""
    if isinstance(value, Place):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from places(part)


def replaced(value: Any, function: Callable[[Place], Any]) -> Any:
    """The argument with `function` of every place in the place's stead."""
    if isinstance(value, Place):
        return function(value)
    return tuple(replaced(part, function) for part in value) if isinstance(value, tuple) else value


def _is_written(argument: Any) -> bool:
    return argument.alias_info is not None and argument.alias_info.is_write


class _Recorder(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.held: dict[int, Tensor] = {}
        self.storages: dict[int, tuple[int, torch.device]] = {}
        self._numbers: dict[StorageWeakRef, int] = {}  # a weak reference keeps no memory, yet its address is not given out again

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: nothing is compiled while it is recorded, and to skip it torch would import its compiler; see `deferral`."""
        return False

    def __torch_dispatch__(self, func: OpOverload, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        options = kwargs or {}
        noted = self._note(args), self._note(tuple(sorted(options.items())))
        result = func(*args, **options)
        out = self._note(result if isinstance(result, tuple | list) else (result,), fresh=True)
        self.calls.append(Call(func, *noted, out))
        return result

    def hold(self, tensor: Tensor) -> Place:
        """The place of a tensor whose memory is not the recording's to plan."""
        place = self.place(tensor)
        self.held.setdefault(place.storage, tensor)
        return place

    def place(self, tensor: Tensor) -> Place:
        """Where a tensor lies."""
        storage = tensor.untyped_storage()
        number = self._numbers.setdefault(StorageWeakRef(storage), len(self._numbers))
        self.storages[number] = storage.nbytes(), storage.device
        return Place(number, tensor.dtype, tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset()))

    def _note(self, value: Any, fresh: bool = False) -> Any:
        if isinstance(value, Tensor):
            known = fresh or StorageWeakRef(value.untyped_storage()) in self._numbers
            return self.place(value) if known else self.hold(value)
        return tuple(self._note(part, fresh) for part in value) if isinstance(value, tuple | list) else value
