"""A data set as read, before it is split."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Blocks:
    """Inputs that are read some at a time, so that a data set larger than memory can be decoded.

    Attributes:
        shape: Shape of all of them, (N, *shape).
        dtype: uint8 or float32.
        read: Starts over and yields arrays of some rows each, N rows in all.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], Iterator[NDArray[Any]]]


def as_floats(x: NDArray[Any], where: str, first: int = 0) -> NDArray[np.float32]:
    """Inputs (n, *shape) as float32.

    Args:
        x: Numbers.
        where: Where they stand, for the error.
        first: The first one's row there.

    Raises:
        ValueError: If one is not finite, or too large for float32: it would ruin every member that meets it.
    """
    with np.errstate(over="ignore"):
        found = x.astype(np.float32)
    wrong = np.flatnonzero(~np.isfinite(found).reshape(len(found), -1).all(1))
    if len(wrong):
        row = int(wrong[0])
        value = x[row][~np.isfinite(found[row])].flat[0]
        raise ValueError(f"{where} must hold finite numbers, below 3.4e38; row {first + row} has {value}: mend it or leave the example out")
    return found


@dataclass(frozen=True)
class Raw:
    """All examples of a data set.

    Attributes:
        x: Inputs, (N, *shape): float32, or uint8 pictures with their channels first.
        y: Class indices, (N,).
        classes: Name of each class.
        group: Group of each example, (N,), or None.
        groups: Name of each group.
        test: The data set's own test part, where it has one; otherwise a test split is drawn from the examples.
        selection: Likewise its own validation part.
    """

    x: NDArray[Any] | Blocks
    y: NDArray[np.int64]
    classes: tuple[str, ...]
    group: NDArray[np.int64] | None = None
    groups: tuple[str, ...] = field(default=("all",))
    test: "Raw | None" = None
    selection: "Raw | None" = None

    @property
    def parts(self) -> "dict[str, Raw]":
        """Its parts by name; the training part is `self`."""
        named = {"train": self, "selection": self.selection, "test": self.test}
        return {name: part for name, part in named.items() if part is not None}


@dataclass(frozen=True)
class OnDisk:
    """A data set in files, not yet read.

    Attributes:
        files: All files that its content depends on.
        root: Folder below which the files' names count as content.
        reader: Name, version and options of the reader: all beside the files that the decoded content depends on.
        read: Reads them.
    """

    files: tuple[Path, ...]
    root: Path
    reader: str
    read: Callable[[], Raw]

    @property
    def where(self) -> str:
        """The file, or the folder of the files, for messages."""
        return str(self.files[0] if len(self.files) == 1 else self.root)


def checked(raw: Raw, source: str) -> Raw:
    """The data set, once it has been seen to hold together.

    Args:
        raw: What a reader returned.
        source: Its name for messages.

    Raises:
        ValueError: If inputs, labels and groups do not fit each other, a class has no training example, or there is only one class.
    """
    for name, part in raw.parts.items():
        _check_part(part, raw, f"{source}, {name} part")
    if len(raw.classes) < 2:
        raise ValueError(f"{source} must have at least 2 classes, got {list(raw.classes)}")
    absent = np.setdiff1d(np.arange(len(raw.classes)), raw.y)
    if len(absent):
        raise ValueError(f"{source} must have training examples of every class, got none of {[raw.classes[c] for c in absent[:5]]}")
    return raw


def _check_part(part: Raw, whole: Raw, where: str) -> None:
    if np.dtype(part.x.dtype) not in (np.uint8, np.float32):
        raise ValueError(f"{where}: inputs must be uint8 or float32, got {part.x.dtype}; convert them")
    if len(part.y) == 0 or len(part.x.shape) < 2 or part.x.shape[0] != len(part.y):
        raise ValueError(f"{where}: inputs (N, ...) and labels (N,) must be as many, got {part.x.shape} and {part.y.shape}")
    if part.x.shape[1:] != whole.x.shape[1:]:
        raise ValueError(f"{where}: inputs must be of the training part's shape {whole.x.shape[1:]}, got {part.x.shape[1:]}")
    _check_indices(part.y, len(whole.classes), f"{where}: labels")
    if part.group is not None:
        if part.group.shape != part.y.shape:
            raise ValueError(f"{where}: groups must be as many as labels, got {part.group.shape} and {part.y.shape}")
        _check_indices(part.group, len(whole.groups), f"{where}: groups")


def _check_indices(values: NDArray[np.int64], count: int, where: str) -> None:
    outside = np.flatnonzero((values < 0) | (values >= count))
    if len(outside):
        raise ValueError(f"{where} must lie in 0..{count - 1}, got {values[outside[0]]} at example {outside[0]}")
