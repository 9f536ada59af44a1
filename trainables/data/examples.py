"""What a data set is to the engine: splits of examples, resident as tensors."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Examples:
    """N examples.

    Attributes:
        x: Inputs, (N, *shape): floats, or bytes that `Data.prepare` turns into floats.
        y: Class indices, (N,), int64.
        group: Group or environment of each example, (N,), int64; zeros where there are none.
    """

    x: Tensor
    y: Tensor
    group: Tensor

    def __len__(self) -> int:
        return self.y.shape[0]

    def __getitem__(self, indices: Tensor) -> "Examples":
        """The examples at `indices`."""
        return Examples(self.x[indices], self.y[indices], self.group[indices])

    def to(self, device: str) -> "Examples":
        """The examples on a device."""
        return Examples(self.x.to(device), self.y.to(device), self.group.to(device))


def as_float(x: Tensor, dtype: torch.dtype) -> Tensor:
    """The `prepare` of data that are numbers already."""
    return x.to(dtype)


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

    def to(self, device: str) -> "Data":
        """Training data on a device; the splits that are scored follow when they are."""
        return Data(
            self.train.to(device),
            self.rest.to(device),
            self.probe.to(device),
            self.selection.to(device),
            self.test.to(device),
            self.classes,
            self.groups,
            self.shape,
            self.prepare,
        )
