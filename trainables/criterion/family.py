"""The family that all criteria belong to: transform the losses, then concentrate them around a level.

A transform says what the tail is, a concentration how far from a level the transformed losses may be. Each criterion is an
expression of the two, and `compose` is the only place that turns one into a `Criterion`: weights, precision, the learned
threshold, the blend by `penalty` and what is logged are written here once.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import grad

from trainables import tree
from trainables.axes import Criterion, Hyper, Losses, Net, Scalars, State, Transition, unchanged
from trainables.criterion.threshold import STEP, Threshold, fixed
from trainables.crossentropy import full_precision
from trainables.knob import Knob


class Transformed(NamedTuple):
    """What a transform makes of a batch: one number, and the losses that stand for it example by example."""

    whole: Tensor
    each: Losses


class Transform(NamedTuple):
    """What the tail is.

    Attributes:
        apply: (hyper, losses, threshold) -> Transformed. `whole` is the risk where nothing is concentrated.
        threshold: Where the tail begins; a transform without one ignores it.
        knobs: Its searchable numbers, the threshold's excluded.
    """

    apply: Callable[[Hyper, Losses, Tensor], Transformed]
    threshold: Threshold = fixed()
    knobs: tuple[Knob, ...] = ()


class Concentration(NamedTuple):
    """How far from a level the transformed losses may be: value(hyper, Transformed) -> scalar, and its searchable numbers."""

    value: Callable[[Hyper, Transformed], Tensor]
    knobs: tuple[Knob, ...]


Distance = Callable[[Tensor], Tensor]
"""r, elementwise: 0 at 0 and growing on either side."""


def pointwise(distance: Distance, level: Knob, width: Knob | None = None) -> Concentration:
    """width^2 mean r((L_i - level) / width): every example is drawn to the level by itself. Width 1 where there is no knob for it."""

    def value(hyper: Hyper, seen: Transformed) -> Tensor:
        gap = seen.each.value - hyper[level.name]
        if width is None:
            return seen.each._replace(value=distance(gap)).mean()
        wide = hyper[width.name]
        return wide**2 * seen.each._replace(value=distance(gap / wide)).mean()

    return Concentration(value, (level,) if width is None else (level, width))


def batch(distance: Distance, level: Knob) -> Concentration:
    """r(mean L - level) + level: the batch is drawn to the level as a whole, all examples up or all down."""

    def value(hyper: Hyper, seen: Transformed) -> Tensor:
        return distance(seen.whole - hyper[level.name]) + hyper[level.name]

    return Concentration(value, (level,))


def compose(transform: Transform, concentration: Concentration | None = None, penalty: Knob | None = None) -> Criterion:
    """The criterion of a transform and what it is concentrated by.

        risk = (1 - penalty) * whole + penalty * concentration(transformed losses)

    Computed in float32 or better whatever the losses come in. A learned threshold takes one plain step down the slope of this risk
    after each weight step, at the losses of the unperturbed pass: no momentum, no decay, none of the weights' learning rate.

    Args:
        transform: Used alone where nothing else is given.
        concentration: Without `penalty` it is the whole risk.
        penalty: The knob that blends the two.
    """

    def risk(state: State, hyper: Hyper, losses: Losses) -> Tensor:
        hyper, losses = tree.map(full_precision, dict(hyper)), tree.map(full_precision, losses)
        seen = transform.apply(hyper, losses, transform.threshold.read(state, hyper, losses))
        if concentration is None:
            return seen.whole
        value = concentration.value(hyper, seen)
        return value if penalty is None else (1 - hyper[penalty.name]) * seen.whole + hyper[penalty.name] * value

    def adapt(state: State, hyper: Hyper, net: Net, transition: Transition) -> State:
        slope = grad(risk)(state, hyper, transition.gradient.losses)
        return tree.add(state, slope, -full_precision(hyper[STEP.name]))

    def watch(state: State, hyper: Hyper, transition: Transition) -> Scalars:
        losses = tree.map(full_precision, transition.gradient.losses)
        seen = {"threshold": transform.threshold.read(state, hyper, losses)} if transform.threshold.moves else {}
        return seen if concentration is None else seen | {"ascending": ascending(lambda value: risk(state, hyper, value), losses)}

    knobs = transform.knobs + transform.threshold.knobs
    knobs += () if concentration is None else concentration.knobs
    knobs += () if penalty is None else (penalty,)
    learned = transform.threshold.learned
    return Criterion(risk, transform.threshold.init, adapt if learned else unchanged, watch, knobs)


def ascending(risk: Callable[[Losses], Tensor], losses: Losses) -> Tensor:
    """Share of the examples, by weight, whose loss the risk's gradient raises."""
    slope = grad(lambda value: risk(losses._replace(value=value)))(losses.value)
    return (losses.weight * (slope < 0)).sum()


def tiny(like: Tensor) -> float:
    """The smallest normal number of the tensor's type, to divide by where a weight may be 0."""
    return torch.finfo(like.dtype).tiny
