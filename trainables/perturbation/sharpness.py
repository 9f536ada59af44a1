"""Sharpness-aware gradients, composed: which way to climb, how far, and what to descend from there."""

from collections.abc import Callable

from torch import Tensor

from trainables import tree
from trainables.axes import (
    Buffers,
    Gradient,
    Hyper,
    Losses,
    Net,
    Objective,
    Params,
    Perturbation,
    Recipe,
    Scalars,
    State,
    Transition,
    unchanged,
)
from trainables.perturbation.ascent import Ascent
from trainables.perturbation.descent import Descent
from trainables.perturbation.radius import Radius
from trainables.perturbation.unperturbed import descend

Adapt = Callable[[State, Hyper, Net, Transition], State]


def sharpness(ascent: Ascent, radius: Radius, descent: Descent) -> Perturbation:
    """Climb to w + e, e = radius * ascent(gradient at w), and return the descent's gradient from there.

    The passes share batch, recipe and criterion. Running statistics come from the first pass only. One forward and one backward pass,
    and the descent's and the radius' own.
    """

    def gradient(state: State, hyper: Hyper, recipe: Recipe, objective: Objective, params: Params) -> Gradient:
        direction, losses, buffers = climb(ascent, hyper, recipe, objective, params)
        there = tree.add(params, direction, radius.read(state, hyper))
        value, perturbed = descent.gradient(hyper, objective, params, there, losses)
        trace = {"perturbed": perturbed} | ({} if radius.learn is None else {"direction": direction})
        return Gradient(value, losses, buffers, trace)

    def watch(state: State, hyper: Hyper, transition: Transition) -> Scalars:
        return {"sharpness": rise(transition)} | radius.watch(state, hyper, transition)

    return Perturbation(
        gradients=(gradient,),
        draw=ascent.draw,
        init=radius.init,
        adapts=_lessons(radius, descent),
        watch=watch,
        knobs=(*radius.knobs, *ascent.knobs, *descent.knobs),
        needs=radius.needs | descent.needs,
    )


def climb(ascent: Ascent, hyper: Hyper, recipe: Recipe, objective: Objective, params: Params) -> tuple[Params, Losses, Buffers]:
    """The first pass: (unit perturbation, losses at w, running statistics). The gradient itself, a copy of the weights, is let go of."""
    gradient, losses, buffers = descend(objective, params)
    return ascent.direction(hyper, recipe, gradient, params), losses, buffers


def rise(transition: Transition) -> Tensor:
    """Mean loss at w + e minus mean loss at w, of the same (mixed) examples."""
    return transition.gradient.trace["perturbed"].mean() - transition.gradient.losses.mean()


def _lessons(radius: Radius, descent: Descent) -> tuple[Adapt, ...]:
    """The radius' `adapts`: a lesson on the last of each `every` steps."""
    learn = radius.learn
    if learn is None:
        return (unchanged,)

    def adapt(state: State, hyper: Hyper, net: Net, transition: Transition) -> State:
        start, seen = transition.before.params, transition.gradient

        def along(length: Tensor) -> Params:
            there = tree.add(start, seen.trace["direction"], length)
            return descent.gradient(hyper, transition.train, start, there, seen.losses)[0]

        return learn(state, hyper, transition, along)

    return (unchanged,) * (radius.every - 1) + (adapt,)
