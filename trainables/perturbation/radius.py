"""How far to perturb: the vocabulary of radii, and the radius that stays as configured."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from trainables.axes import Hyper, Model, Net, Params, Scalars, State, Transition, no_state, nothing
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

Along = Callable[[Tensor], Params]
"""radius -> the gradient descended from there, all else in the step held fixed."""


class Radius(NamedTuple):
    """How the radius is read, learned and logged.

    Attributes:
        read: (state, hyper) -> the radius, a scalar.
        knobs, init, watch, needs: As in `Perturbation`.
        learn: (state, hyper, transition, along) -> state after a weight step; None where nothing is learned. It finds the unit
            perturbation as `direction` in the gradient's trace.
        every: Steps from one lesson to the next.
    """

    read: Callable[[State, Hyper], Tensor]
    knobs: tuple[Knob, ...]
    init: Callable[[Streams, Hyper, Net, Model], State] = no_state
    learn: Callable[[State, Hyper, Transition, Along], State] | None = None
    every: int = 1
    watch: Callable[[State, Hyper, Transition], Scalars] = nothing
    needs: frozenset[str] = frozenset()


def fixed(rho: Knob = SAM_RHO) -> Radius:
    """The configured radius throughout."""
    return Radius(read=lambda state, hyper: hyper[rho.name], knobs=(rho,))
