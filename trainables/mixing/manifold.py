"""Manifold mixup: mix pairs of examples at a hidden layer."""

from collections.abc import Mapping

import torch
from torch import Tensor

from trainables.axes import FEATURES, Batch, Between, Buffers, Hyper, Losses, Mixing, Model, Net, Recipe, State
from trainables.crossentropy import evenly
from trainables.draws import Streams
from trainables.mixing.mixup import ALPHA, blend, mixed_cross_entropy
from trainables.mixing.mixup import draw as draw_pairs

MANIFOLD_ALPHA = ALPHA._replace(default=2.0, source="Verma 2019, section 5: 2 [read]; range ours")


def manifold_mixup(deepest: int = 2) -> Mixing:
    """mixup of the hidden value after a stage drawn anew in every step.

        h~_k = lambda h_k + (1 - lambda) h_k[pi],    k uniform over {0 (the input), 1, ..., deepest},    lambda ~ Beta(alpha, alpha)
        loss_i = lambda CE(f_k(h~_k)_i, y_i) + (1 - lambda) CE(f_k(h~_k)_i, y_pi(i))

    The layer is a number and no branch: every eligible layer is blended, all but one of them with ratio 1, so members of a group draw
    independently. The authors' code puts a binary cross-entropy on the softmax; this is cross-entropy, as in SynerMix and OpenMixup.
    What the criterion sees: the batch's B mixed losses, equally weighted.

    Args:
        deepest: Number of the last stage after which may be mixed; a net with fewer stages uses those it has.

    Raises:
        ValueError: If `deepest` is negative.

    References:
        Verma et al., "Manifold Mixup: Better Representations by Interpolating Hidden States", 2019, arXiv 1806.05236, section 2 [read].
    """
    if deepest < 0:
        raise ValueError(f"deepest must be 0 (mix inputs only) or the number of a stage, got {deepest}")

    def draw(stream: Streams, knobs: Mapping[str, float], steps: int, size: int, net: Net) -> Recipe:
        layers = stream("layer").integers(0, min(deepest, net.stages) + 1, steps)
        return {**draw_pairs(stream, knobs, steps, size, net), "layer": torch.from_numpy(layers)}

    def losses(state: State, hyper: Hyper, recipe: Recipe, net: Net, model: Model, batch: Batch) -> tuple[Losses, Buffers]:
        logits, buffers = net.apply(model, batch.x, at_layer(recipe, deepest))
        return evenly(mixed_cross_entropy(logits, hyper, recipe, net, batch)), buffers

    return Mixing(draw=draw, losses=losses, knobs=(MANIFOLD_ALPHA,))


def at_layer(recipe: Recipe, deepest: int) -> Between:
    """Blends pairs at the recipe's layer and leaves the other layers as they are, exactly."""

    def between(depth: int, hidden: Tensor) -> Tensor:
        if depth == FEATURES or depth > deepest:
            return hidden
        ratio = torch.where(recipe["layer"] == depth, recipe["ratio"], 1.0)
        return blend(hidden, hidden[recipe["partner"]], ratio)

    return between
