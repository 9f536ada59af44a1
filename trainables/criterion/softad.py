"""SoftAD: pull every loss towards a level, with a force that saturates."""

import torch
from torch import Tensor

from trainables.axes import Criterion
from trainables.criterion.family import compose, pointwise
from trainables.criterion.mean import identity
from trainables.knob import Knob

THETA = Knob(
    "theta",
    search=(0.01, 0.75),
    default=0.25,
    legal=(0.0, 100.0),
    log=True,
    meaning="level (nats of cross-entropy) below which an example's loss is pushed up again",
    source="Holland 2023, benchmarks of the released code [read]; default of its demonstration [read]",
)
SIGMA = Knob(
    "sigma",
    search=(0.1, 3.0),
    default=1.0,
    legal=(1e-6, 100.0),
    log=True,
    meaning="width around theta (nats) within which the force is about linear; scales the risk beyond",
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
    return compose(identity(), pointwise(pseudo_huber, THETA, SIGMA))


def pseudo_huber(x: Tensor) -> Tensor:
    """r(x) = sqrt(1 + x^2) - 1, as x^2 / (1 + sqrt(1 + x^2)): neither overflows for large x nor rounds to 0 for small."""
    return x * (x / (1 + torch.hypot(x, torch.ones_like(x))))
