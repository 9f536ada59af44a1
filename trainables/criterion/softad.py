"""SoftAD: pull every loss towards a level, with a force that saturates."""

import torch
from torch import Tensor

from trainables.axes import Criterion, Hyper, Losses, Scalars, State, Transition
from trainables.knob import Knob

THETA = Knob(
    "theta",
    search=(0.01, 0.75),
    default=0.25,
    legal=(0.0, 100.0),
    log=True,
    meaning="level (nats of cross-entropy) below which an example's loss is pushed up again",
    source="Holland 2023, section 5 [read]",
)
SIGMA = Knob(
    "sigma",
    search=(0.1, 3.0),
    default=1.0,
    legal=(1e-6, 100.0),
    log=True,
    meaning="width around theta (nats) within which the force is about linear",
    source="Holland 2023: 1 [read]; range ours",
)


def softad() -> Criterion:
    """Soft ascent-descent around theta.

        risk = sigma^2 mean r((l - theta) / sigma),    r(x) = sqrt(1 + x^2) - 1

    Examples above theta descend, examples below ascend, each with a weight that saturates at sigma / n. The authors' class adds
    the constant theta to the value; this one does not, the gradient is the same.

    References:
        Holland & Nakatani, "Soft ascent-descent as a stable and flexible alternative to flooding", 2023, arXiv 2310.10006 [read].
    """
    return Criterion(risk=risk, watch=watch, knobs=(THETA, SIGMA))


def risk(state: State, hyper: Hyper, losses: Losses) -> Tensor:
    """The criterion's value, a scalar."""
    sigma = hyper["sigma"]
    return sigma**2 * (pseudo_huber((losses.value - hyper["theta"]) / sigma) * losses.weight).sum()


def pseudo_huber(x: Tensor) -> Tensor:
    """r(x) = sqrt(1 + x^2) - 1; by hypot, so that large x does not overflow."""
    return torch.hypot(x, torch.ones_like(x)) - 1


def watch(state: State, hyper: Hyper, transition: Transition) -> Scalars:
    """Share of the examples in ascent: those whose loss lies below theta."""
    losses = transition.gradient.losses
    return {"ascending": ((losses.value < hyper["theta"]).to(losses.weight.dtype) * losses.weight).sum()}
