"""A multilayer perceptron: the small net for flat or small inputs."""

import itertools
import math
from typing import Literal

from torch import nn

from trainables.nets.norms import BatchNorm1d
from trainables.nets.staged import Staged


def mlp(shape: tuple[int, ...], classes: int, width: int = 128, depth: int = 2, norm: Literal["batch", "none"] = "batch") -> Staged:
    """`depth` hidden layers of `width` units with ReLU; inputs of any shape are flattened.

    Args:
        shape: Shape of one input.
        classes: Number of classes.
        width: Units of each hidden layer.
        depth: Hidden layers, each a stage.
        norm: "batch" or "none" after each hidden layer.

    Raises:
        ValueError: If an argument is none of these.
    """
    if norm not in {"batch", "none"} or width < 1 or depth < 1:
        raise ValueError(f"mlp needs width and depth of at least 1 and norm batch or none, got {width=}, {depth=}, {norm=}")
    sizes = [math.prod(shape)] + [width] * depth
    stages: list[nn.Module] = []
    for number, (entering, leaving) in enumerate(itertools.pairwise(sizes)):
        parts: list[nn.Module] = [nn.Flatten()] if number == 0 else []
        parts.append(nn.Linear(entering, leaving, bias=norm == "none"))
        if norm == "batch":
            parts.append(BatchNorm1d(leaving))
        stages.append(nn.Sequential(*parts, nn.ReLU()))
    return Staged(stages, nn.Identity(), nn.Linear(width, classes))
