"""Labels as they stand in files, numbers or text, as class indices."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def numbered(
    labels: Mapping[str, NDArray[Any]], names: Sequence[str] | None, where: str
) -> tuple[dict[str, NDArray[np.int64]], tuple[str, ...]]:
    """Indices of every part's labels, and the name of each class.

    Args:
        labels: Part name to labels (N,): whole numbers or text. "train" is among them and settles which classes there are.
        names: Names of the classes in their order, where the file gives them; the labels are then their indices or these names.
        where: The file, for messages.

    Raises:
        ValueError: If another part has a label that the training part has not, or `names` are too few.
    """
    values = np.unique(labels["train"])
    if names is not None and values.dtype.kind != "U":
        if values.min() < 0 or values.max() >= len(names):
            raise ValueError(
                f"{where}: labels must lie in 0..{len(names) - 1}, one of the {len(names)} classes named, got {_outside(values, names)}"
            )
        values = np.arange(len(names))
    elif names is not None:
        values = np.sort(np.asarray(names))
    indices: dict[str, NDArray[np.int64]] = {}
    for part, found in labels.items():
        strangers = np.setdiff1d(found, values)
        if len(strangers):
            raise ValueError(f"{where}: the {part} part must have labels of the training part, got {strangers[:5].tolist()} beside them")
        indices[part] = np.searchsorted(values, found).astype(np.int64)
    return indices, tuple(names) if names is not None and values.dtype.kind != "U" else tuple(str(value) for value in values)


def _outside(values: NDArray[Any], names: Sequence[str]) -> Any:
    return values[(values < 0) | (values >= len(names))][0]
