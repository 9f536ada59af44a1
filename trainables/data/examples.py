"""What a data set is to the engine: splits of examples."""

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.data.augment import NONE, Augmentation
from trainables.data.prepare import as_float

BLOCK = 1024
"""Examples that are read at a time where all are gone through, at most."""

NUMBERS = 1 << 22
"""Numbers in those, at most: 16 MiB as floats, whatever the size of a picture."""


@dataclass(frozen=True)
class Examples:
    """N examples, as rows of a store that splits share and that may be larger than memory.

    Attributes:
        store: Inputs, (M, *shape): floats, or bytes that `Data.prepare` turns into floats; in memory, mapped from a file, or on a device.
        y: Class indices, (N,), int64.
        group: Group or environment of each example, (N,), int64; zeros where there are none.
        rows: Row of each example in the store, (N,); all rows in order where it is None.
    """

    store: Tensor
    y: Tensor
    group: Tensor
    rows: Tensor | None = None

    def __len__(self) -> int:
        return self.y.shape[0]

    def __getitem__(self, indices: Tensor) -> "Examples":
        """The examples at `indices`; no input is read."""
        rows = indices if self.rows is None else self.rows[indices]
        return Examples(self.store, self.y[indices], self.group[indices], rows)

    def spaced(self, most: int) -> "Examples":
        """At most so many of them, evenly spaced: side by side they may all be of one class, as a folder of pictures is listed."""
        count = min(most, len(self))
        return self[torch.arange(count, device=self.y.device) * len(self) // max(1, count)]

    @property
    def x(self) -> Tensor:
        """All inputs, (N, *shape), read into memory unless they are all there is."""
        return self.store if self.rows is None else self.store[self.rows]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input."""
        return tuple(self.store.shape[1:])

    def inputs(self, indices: Tensor) -> Tensor:
        """The inputs at `indices`, of any shape, as (*indices.shape, *shape)."""
        rows = indices if self.rows is None else self.rows[indices]
        return self.store.index_select(0, rows.flatten()).view(*indices.shape, *self.shape)  # store[rows] copies numbers, this examples

    @property
    def block(self) -> int:
        """Examples that are read at a time where all are gone through."""
        return min(BLOCK, max(1, NUMBERS // math.prod(self.shape)))

    def blocks(self, size: int | None = None) -> Iterator[Tensor]:
        """All inputs in order, `size` at a time, or as many as `block` says."""
        size = size or self.block
        for start in range(0, len(self), size):
            yield self.inputs(torch.arange(start, min(start + size, len(self)), device=self.y.device))

    def nbytes(self) -> int:
        """Bytes that the inputs take where they are all gathered."""
        return len(self) * self.store[0].numel() * self.store.element_size()

    def to(self, device: str) -> "Examples":
        """The examples gathered on a device."""
        return Examples(_gathered(self, device), self.y.to(device), self.group.to(device))


@dataclass(frozen=True)
class Data:
    """A data set, split.

    Attributes:
        train: The training split, whole.
        rest, probe: The training split in two parts: for methods that learn a hyperparameter, which train on `rest` alone.
        selection: What the search scores on; never corrupted by label noise.
        test: What only `confirm` and the final report read.
        classes: Name of each class.
        groups: Name of each group.
        shape: Shape of one input.
        prepare: (x, dtype) -> floats that a net takes; bytes to normalised floats, say.
        augmentation: What is done to training inputs.
    """

    train: Examples
    rest: Examples
    probe: Examples
    selection: Examples
    test: Examples
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    shape: tuple[int, ...]
    prepare: Callable[[Tensor, torch.dtype], Tensor] = as_float
    augmentation: Augmentation = NONE

    def to(self, device: str) -> "Data":
        """The training examples gathered on a device, once for all three splits of them; selection and test stay where they are."""
        parts = (self.train, self.rest, self.probe)
        if any(part.store is not self.train.store for part in parts):
            train, rest, probe = (part.to(device) for part in parts)
        else:
            train, rest, probe = _together(parts, device)
        return dataclasses.replace(self, train=train, rest=rest, probe=probe)


def _gathered(examples: Examples, device: str) -> Tensor:
    """The inputs on a device, copied a block at a time, since they may not fit into memory here."""
    store = torch.empty((len(examples), *examples.shape), dtype=examples.store.dtype, device=device)
    for number, block in enumerate(examples.blocks()):
        store[number * examples.block : (number + 1) * examples.block] = block.to(device)
    return store


def _together(parts: tuple[Examples, ...], device: str) -> list[Examples]:
    """Examples of one store on a device, which then holds each row that any of them uses once."""
    rows = [part.rows if part.rows is not None else torch.arange(len(part)) for part in parts]
    used, places = torch.unique(torch.cat(rows), return_inverse=True)
    store = _gathered(Examples(parts[0].store, used, used, used), device)
    split = places.to(device).split([len(part) for part in parts])
    return [Examples(store, part.y.to(device), part.group.to(device), place) for part, place in zip(parts, split, strict=True)]
