"""How members place examples in feature space: the vectors, and how tightly and how far apart they place the classes. Evaluation only."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import vmap

from trainables.axes import Method, Net
from trainables.engine.evaluate import EXAMPLES_AT_ONCE
from trainables.engine.step import Member

Floats = NDArray[np.floating]


class Geometry(NamedTuple):
    """Of one member's features: cohesion in [-1, 1] and separability in [0, 2], larger is better for both."""

    cohesion: float
    separability: float


def features(method: Method, net: Net, group: Member, x: Tensor, chunk: int | None = None) -> Floats:
    """Feature vectors of the deployed models in evaluation mode.

    Args:
        method: The group's method; its mixing says which model is deployed.
        net: The net.
        group: Stacked members.
        x: Inputs (N, *shape), shared by all members.
        chunk: Rows computed at a time.

    Returns:
        Features (rows, N, width).
    """

    def found(member: Member, part: Tensor) -> Tensor:
        return net.features(method.mixing.deploy(member.states.mixing, member.model), part)

    with torch.no_grad():
        parts = [vmap(found, in_dims=(0, None), chunk_size=chunk)(group, part) for part in x.split(EXAMPLES_AT_ONCE)]
    return torch.cat(parts, dim=1).cpu().numpy()


def geometry(features: Floats, y: NDArray[np.integer]) -> Geometry:
    """Cohesion and separability of one member's features (N, width) with classes (N,), in float64.

        cohesion     = mean over classes c of the mean of cos(h_i, mu_c) over its examples
        separability = mean over pairs of classes c != c' of 1 - cos(mu_c, mu_c')

    h are the features scaled to length 1 and mu_c their mean over class c; a vector of zeros has cosine 0 with everything. SynerMix
    claims to raise both; the formulas are ours, since the paper's were not to be had.

    Raises:
        ValueError: If fewer than two classes are present.
    """
    classes = np.unique(y)
    if len(classes) < 2:
        raise ValueError(f"separability needs examples of two classes or more, got {len(classes)}")
    unit = _scaled(features.astype(np.float64))
    centres = _scaled(np.stack([unit[y == label].mean(0) for label in classes]))
    tightness = [float((unit[y == label] @ centre).mean()) for label, centre in zip(classes, centres, strict=True)]
    left, right = np.triu_indices(len(classes), 1)
    return Geometry(float(np.mean(tightness)), float(np.mean(1 - (centres[left] * centres[right]).sum(1))))


def _scaled(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)
