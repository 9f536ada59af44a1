"""How far to perturb: a radius that stays as configured."""

from collections.abc import Callable
from typing import NamedTuple

import torch

from trainables.axes import Hyper, Model, Net, Scalars, State, Transition, no_state, nothing, unchanged
from trainables.draws import Streams
from trainables.knob import Knob

SAM_RHO = Knob(
    "rho",
    search=(0.005, 0.5),
    default=0.05,
    legal=(0.0, 100.0),
    log=True,
    meaning="perturbation radius, Euclidean length in weight space",
    source="Foret 2021, section 3.1: 0.05 on CIFAR-10, 0.1 on CIFAR-100 [read]; range ours",
)
ASAM_RHO = SAM_RHO._replace(
    search=(0.05, 4.0),
    default=0.5,
    meaning="perturbation radius, length relative to the weights' own size",
    source="Kwon 2021, section 5: 0.5 on CIFAR-10, 1 on CIFAR-100 [read]; range ours",
)


class Radius(NamedTuple):
    """How the radius is read, learned and logged; the fields mirror `Perturbation`'s."""

    read: Callable[[State, Hyper], torch.Tensor]
    knobs: tuple[Knob, ...]
    init: Callable[[Streams, Hyper, Net, Model], State] = no_state
    adapts: tuple[Callable[[State, Hyper, Net, Transition], State], ...] = (unchanged,)
    watch: Callable[[State, Hyper, Transition], Scalars] = nothing
    needs: frozenset[str] = frozenset()


def fixed(rho: Knob = SAM_RHO) -> Radius:
    """The configured radius throughout."""
    return Radius(read=lambda state, hyper: hyper["rho"], knobs=(rho,))
