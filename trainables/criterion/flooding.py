"""Flooding: turn back where the loss falls below a level, for the batch as a whole or example by example."""

import torch

from trainables.axes import Criterion
from trainables.criterion.family import batch, compose, pointwise
from trainables.criterion.mean import identity
from trainables.criterion.softad import SIGMA, THETA
from trainables.knob import Knob

FLOOD = Knob(
    "flood",
    search=(0.01, 1.0),
    default=0.25,
    legal=(0.0, 100.0),
    meaning="level (nats of cross-entropy) below which the batch's mean loss is pushed up again; 0 is the mean",
    source="Holland 2023, benchmarks of the released code [read]; default of its demonstration [read]",
)


def flooding() -> Criterion:
    """Flooding: ascend wherever the mean loss lies below the flood level.

        risk = |mean l - flood| + flood

    References:
        Ishida et al., "Do we need zero training loss after achieving zero training error?", 2020, arXiv 2002.08709 [read].
    """
    return compose(identity(), batch(torch.abs, FLOOD))


def iflood() -> Criterion:
    """iFlood: flooding of every example by itself.

        risk = sigma^2 mean |(l - theta) / sigma|

    Sigma only scales the risk; it is kept so that iFlood and SoftAD differ in r alone.

    References:
        Xie et al., "iFlood: a stable and effective regularizer", 2022, in the form of Holland's released code [read], without the
        constant theta that it adds to the value.
    """
    return compose(identity(), pointwise(torch.abs, THETA, SIGMA))
