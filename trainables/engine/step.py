"""One training step of one member, assembled from a method's three axes. No method's name is known here."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from torch import Tensor

from trainables.axes import Batch, Buffers, Hyper, Losses, Method, Model, Net, Objective, Params, Recipe, Scalars, State, Transition, keep
from trainables.crossentropy import cross_entropy, evenly, one_hot
from trainables.optimizer import Optimizer

Function = TypeVar("Function", bound=Callable[..., Any])


class States(NamedTuple):
    """The states of the three axes."""

    mixing: State
    perturbation: State
    criterion: State


class Member(NamedTuple):
    """One configuration being trained with one seed. A group is a Member whose leaves carry a leading axis of rows."""

    model: Model
    optimizer: State
    states: States


class Inputs(NamedTuple):
    """All that a step reads beside the member.

    Attributes:
        batch: The training batch.
        probe: A batch held out of the training split; the training batch where no method needs one.
        recipe: What has been drawn for this step.
        hyper: Every number of the configuration as a scalar tensor; `lr` after the schedule; and `progress`, the
            share of all steps that lies behind.
    """

    batch: Batch
    probe: Batch
    recipe: Recipe
    hyper: Hyper


Step = Callable[[Member, Inputs, int], tuple[Member, Scalars]]
"""(member, inputs, step number) -> (member, scalars to log). The step number is the same for all members of a group."""


def make_step(method: Method, net: Net, optimizer: Optimizer) -> Step:
    """The training step of a method on a net."""
    mixing, perturbation, criterion = method

    def step(member: Member, inputs: Inputs, turn: int) -> tuple[Member, Scalars]:
        model, states, hyper = member.model, member.states, inputs.hyper
        train = _training_objective(method, net, member, inputs)
        gradient = _in_turn(perturbation.gradients, turn)(states.perturbation, hyper, inputs.recipe, train, model.params)
        params, optimizer_state = optimizer.update(gradient.value, member.optimizer, model.params, hyper["lr"], hyper["weight_decay"])
        after = Model(params, gradient.buffers)
        plain, probe = _plain_objective(net, model, inputs.batch), _plain_objective(net, model, inputs.probe)
        transition = Transition(model, after, hyper["lr"], gradient, train, plain, probe, inputs.batch, inputs.recipe)
        adapted = States(
            mixing.adapt(states.mixing, hyper, net, transition),
            _in_turn(perturbation.adapts, turn)(states.perturbation, hyper, net, transition),
            criterion.adapt(states.criterion, hyper, net, transition),
        )
        return Member(after, optimizer_state, adapted), _watch(method, adapted, hyper, transition)

    return step


def phase(method: Method, turn: int) -> tuple[Callable[..., Any], ...]:
    """The functions in turn at a step: steps that have them in common compute the same."""
    return _in_turn(method.perturbation.gradients, turn), _in_turn(method.perturbation.adapts, turn)


def phase_number(method: Method, turn: int) -> tuple[int, int]:
    """Where the functions in turn stand in the method: the same of every method that was made alike."""
    gradient, adapt = phase(method, turn)
    return method.perturbation.gradients.index(gradient), method.perturbation.adapts.index(adapt)


def _in_turn(functions: tuple[Function, ...], turn: int) -> Function:
    return functions[turn % len(functions)]


def _training_objective(method: Method, net: Net, member: Member, inputs: Inputs) -> Objective:
    states, hyper = member.states, inputs.hyper

    def losses(params: Params) -> tuple[Losses, Buffers]:
        model = Model(params, member.model.buffers)
        return method.mixing.losses(states.mixing, hyper, inputs.recipe, net, model, inputs.batch)

    def risk(seen: Losses) -> Tensor:
        return method.criterion.risk(states.criterion, hyper, seen)

    def unmixed(params: Params) -> Losses:
        return _plain_losses(net, Model(params, member.model.buffers), inputs.batch)

    return Objective(losses, risk, unmixed, inputs.batch.group)


def _plain_objective(net: Net, model: Model, batch: Batch) -> Objective:
    unaugmented = batch._replace(x=batch.clean)

    def losses(params: Params) -> tuple[Losses, Buffers]:
        return _plain_losses(net, Model(params, model.buffers), unaugmented), model.buffers

    return Objective(losses, Losses.mean, lambda params: losses(params)[0], batch.group)


def _plain_losses(net: Net, model: Model, batch: Batch) -> Losses:
    logits, _ = net.apply(model, batch.x, keep)
    return evenly(cross_entropy(logits, one_hot(batch.y, net.classes, logits.dtype)))


def _watch(method: Method, states: States, hyper: Hyper, transition: Transition) -> Scalars:
    losses = transition.gradient.losses
    scalars: Scalars = {"risk": transition.train.risk(losses), "train_loss": losses.mean()}
    for axis, state in zip(method, states, strict=True):
        scalars |= axis.watch(state, hyper, transition)
    return scalars
