"""mixup: train on convex combinations of pairs of examples and of their labels."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.axes import Batch, Buffers, Hyper, Losses, Mixing, Mixture, Model, Net, Recipe, State, keep
from trainables.crossentropy import cross_entropy, evenly, targets
from trainables.draws import Streams
from trainables.knob import Knob

ALPHA = Knob(
    "alpha",
    search=(0.05, 4.0),
    default=1.0,
    legal=(0.0, 100.0),
    log=True,
    meaning="mixing ratio's spread: lambda ~ Beta(alpha, alpha); 0 mixes nothing",
    source="Zhang 2018, section 4: 1 on CIFAR-10, 0.2 on ImageNet [read]; range ours",
)


def mixup() -> Mixing:
    """Mix every example with a partner of its batch by one ratio a step.

        x~ = lambda x + (1 - lambda) x[pi],    lambda ~ Beta(alpha, alpha)
        loss_i = lambda CE(f(x~_i), y_i) + (1 - lambda) CE(f(x~_i), y_pi(i))

    One lambda and one permutation pi a member and step; fixed points of pi are allowed. alpha 0 gives lambda 1, plain training.
    What the criterion sees: the batch's B mixed losses, equally weighted.

    References:
        Zhang et al., "mixup: Beyond Empirical Risk Minimization", 2018, arXiv 1710.09412 [read].
    """
    return Mixing(draw=draw, losses=losses, show=show, knobs=(ALPHA,))


def draw(stream: Streams, knobs: Mapping[str, float], steps: int, size: int, net: Net) -> Recipe:
    """Ratios (steps,) and pairings (steps, size)."""
    return {"ratio": ratios(stream("ratio"), knobs["alpha"], steps), "partner": partners(stream("partner"), steps, size)}


def ratios(stream: np.random.Generator, alpha: float, steps: int) -> Tensor:
    """lambda ~ Beta(alpha, alpha), (steps,) in float64; 1 throughout where alpha is 0."""
    return torch.from_numpy(stream.beta(alpha, alpha, steps) if alpha > 0 else np.ones(steps))


def partners(stream: np.random.Generator, steps: int, size: int) -> Tensor:
    """One permutation of the batch a step, (steps, size)."""
    rows: NDArray[np.int64] = np.tile(np.arange(size), (steps, 1))
    return torch.from_numpy(stream.permuted(rows, axis=1))


def losses(state: State, hyper: Hyper, recipe: Recipe, net: Net, model: Model, batch: Batch) -> tuple[Losses, Buffers]:
    """Mixed cross-entropy (B,) and the running statistics after the pass."""
    logits, buffers = net.apply(model, blend(batch.x, batch.x[recipe["partner"]], recipe["ratio"]), keep)
    return evenly(mixed_cross_entropy(logits, hyper, recipe, net, batch)), buffers


def mixed_cross_entropy(logits: Tensor, hyper: Hyper, recipe: Recipe, net: Net, batch: Batch) -> Tensor:
    """ratio CE(y) + (1 - ratio) CE(y[partner]), (B,); both labels enter as one soft target, since cross-entropy is linear in it."""
    target = targets(batch, net, hyper, logits.dtype)
    return cross_entropy(logits, blend(target, target[recipe["partner"]], recipe["ratio"]))


def blend(own: Tensor, other: Tensor, ratio: Tensor) -> Tensor:
    """ratio * own + (1 - ratio) * other, exactly `own` at ratio 1."""
    return ratio * own + (1 - ratio) * other


def show(state: State, hyper: Hyper, recipe: Recipe, net: Net, batch: Batch) -> Mixture:
    """The batch's pictures, mixed; the share is the same at every pixel."""
    ratio, other = recipe["ratio"], batch.x[recipe["partner"]]
    share = (1 - ratio).expand(batch.x.shape[0], *batch.x.shape[-2:])
    return Mixture(batch.x, other, share, blend(batch.x, other, ratio), ratio)
