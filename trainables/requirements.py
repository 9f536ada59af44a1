"""What methods ask of their surroundings, and whether they get it."""

from collections.abc import Callable
from typing import NamedTuple

from trainables.axes import Method


class Surroundings(NamedTuple):
    """What a method is put into.

    Attributes:
        spatial: Whether the net's stages put out maps (channels, height, width).
        image: Whether the inputs are pictures (channels, height, width).
        groups: How many groups the data have.
        mixes: Whether the method's mixing mixes examples at all.
        mixer: Whether a trained mixer was given.
        probe: Whether a part of the training split is held out.
    """

    spatial: bool
    image: bool
    groups: int
    mixes: bool
    mixer: bool = False
    probe: bool = True


class Requirement(NamedTuple):
    """When a need is met, and what to say where it is not."""

    met: Callable[[Surroundings], bool]
    otherwise: str


REQUIREMENTS: dict[str, Requirement] = {
    "clean": Requirement(lambda around: True, ""),
    "probe": Requirement(lambda around: around.probe, "needs two training examples of a class, one to hold out: raise data.fraction"),
    "mates": Requirement(lambda around: True, ""),
    "views": Requirement(lambda around: True, ""),
    "mixer": Requirement(lambda around: around.mixer, "needs a mixer trained earlier: set its option mixer to that checkpoint"),
    "spatial": Requirement(lambda around: around.spatial, "needs a net whose stages put out maps: use cnn or resnet18 instead"),
    "image": Requirement(lambda around: around.image, "needs pictures (channels, height, width): use mixup on flat data"),
    "group": Requirement(lambda around: around.groups > 1, "needs data with groups: use sam where there are none, or data that name them"),
    "mixing": Requirement(lambda around: around.mixes, "needs a mixing that mixes: set mixing to mixup, or use sam without one"),
}
"""Every word that an axis' `needs` may hold."""


def obstacles(method: Method, around: Surroundings) -> list[str]:
    """Why the method cannot be trained here, one clause a need that is not met; empty if it can."""
    unmet = (REQUIREMENTS[need] for need in sorted(method.needs))
    return [requirement.otherwise for requirement in unmet if not requirement.met(around)]
