"""What a classifier trains on beside a learned mixer: pictures pasted together by its masks, and the pictures themselves."""

from collections.abc import Mapping

import torch
from torch import Tensor

from trainables.axes import Batch, Buffers, Hyper, Losses, Mixing, Mixture, Model, Net, Recipe, State, keep
from trainables.crossentropy import cross_entropy, evenly, targets
from trainables.draws import Streams
from trainables.mixing import mixer
from trainables.mixing.heads import for_mixed, second_head
from trainables.mixing.mixer import Design
from trainables.mixing.mixup import mixed_cross_entropy, partners, ratios

TAIL = 0.08
"""Ratios this near to 0 or 1 are mixed by a constant mask [read: OpenMixup, lam_margin]."""


def classifier_side(design: Design, adjust: float) -> Mixing:
    """What the network is trained on, given an `encoder` and a `mixer` in the state.

    Args:
        design: How the mixer is built.
        adjust: Probability of rescaling the masks of a step to the ratio.

    Raises:
        ValueError: If `adjust` is no probability.
    """
    if not 0 <= adjust <= 1:
        raise ValueError(f"adjust is a probability and must lie in [0, 1], got {adjust:g}")

    def draw(stream: Streams, knobs: Mapping[str, float], steps: int, size: int, net: Net) -> Recipe:
        recipe = {"ratio": ratios(stream("ratio"), knobs["alpha"], steps), "partner": partners(stream("partner"), steps, size)}
        if adjust > 0:
            recipe["adjust"] = torch.from_numpy(stream("adjust").random(steps) < adjust)
        return recipe

    def losses(state: State, hyper: Hyper, recipe: Recipe, net: Net, model: Model, batch: Batch) -> tuple[Losses, Buffers]:
        share = share_of_partner(design, state, hyper, recipe, net, batch.x)
        mixed, _ = net.apply(for_mixed(model), pasted(batch.x, recipe["partner"], share), keep)
        unmixed, buffers = net.apply(model, batch.x, keep)
        value = mixed_cross_entropy(mixed, hyper, recipe, net, batch)
        return evenly(value + cross_entropy(unmixed, targets(batch, net, hyper, unmixed.dtype))), buffers

    def show(state: State, hyper: Hyper, recipe: Recipe, net: Net, batch: Batch) -> Mixture:
        share = share_of_partner(design, state, hyper, recipe, net, batch.x)
        other = batch.x[recipe["partner"]]
        return Mixture(batch.x, other, share, pasted(batch.x, recipe["partner"], share), recipe["ratio"])

    return Mixing(draw=draw, losses=losses, grow=second_head, show=show, needs=frozenset({"image", "spatial"}))


def share_of_partner(design: Design, state: State, hyper: Hyper, recipe: Recipe, net: Net, x: Tensor) -> Tensor:
    """The classifier's masks s_b, (B, height, width), without gradient to anything."""
    ratio, partner = recipe["ratio"], recipe["partner"]
    maps = net.encode(state["encoder"], x, depth_of(net))
    share = mixer.shares(state["mixer"], design, bend_of(hyper, ratio), maps, partner, ratio, x.shape[-2:])
    if "adjust" in recipe:
        share = torch.where(recipe["adjust"], rescaled(share, 1 - ratio), share)
    return torch.where((ratio <= TAIL) | (ratio >= 1 - TAIL), 1 - ratio, share).detach()


def pasted(x: Tensor, partner: Tensor, share: Tensor) -> Tensor:
    """x (1 - s) + x[pi] s, for pictures (B, channels, height, width) and shares (B, height, width)."""
    return x * (1 - share[:, None]) + x[partner] * share[:, None]


def rescaled(share: Tensor, mean: Tensor) -> Tensor:
    """Each mask (height, width) rescaled to the given mean: whichever picture has too much of it shrinks in proportion, so [0, 1] holds."""
    now = share.mean((-2, -1), keepdim=True)
    tiny = torch.finfo(share.dtype).tiny
    less, more = share * (mean / now.clamp_min(tiny)), 1 - (1 - share) * ((1 - mean) / (1 - now).clamp_min(tiny))
    return torch.where(now > mean, less, more)


def depth_of(net: Net) -> int:
    """After which stage the mixer looks: the last but one."""
    return max(1, net.stages - 1)


def bend_of(hyper: Hyper, ratio: Tensor) -> Tensor:
    """The encoding's k; -1, none, for a mixer that has no such knob."""
    return hyper["bend"] if "bend" in hyper else -torch.ones_like(ratio)


def need_maps(net: Net) -> None:
    """Refuse a net without maps.

    Raises:
        ValueError: If a stage puts out something else; the message says what.
    """
    if not net.spatial:
        raise ValueError(f"a learned mixer needs a net whose stages put out maps, got hidden values of shapes {net.hidden[1:]}; use cnn")
