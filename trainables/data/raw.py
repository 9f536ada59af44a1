"""A data set as read, before it is split."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Raw:
    """All examples of a data set.

    Attributes:
        x: Inputs, (N, *shape): float32, or uint8 pictures.
        y: Class indices, (N,).
        classes: Name of each class.
        group: Group of each example, (N,), or None.
        groups: Name of each group.
        test: The data set's own test part, where it has one; otherwise a test split is drawn from the examples.
    """

    x: NDArray[Any]
    y: NDArray[np.int64]
    classes: tuple[str, ...]
    group: NDArray[np.int64] | None = None
    groups: tuple[str, ...] = field(default=("all",))
    test: "Raw | None" = None
