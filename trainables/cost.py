"""What a method costs, measured: passes and arithmetic of one training step, beside plain training."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from trainables import methods, nets, tree
from trainables.axes import Batch, Between, Buffers, Method, Model, Net
from trainables.draws import stream, streams
from trainables.engine.group import start
from trainables.engine.step import Inputs, Member, make_step
from trainables.mixing.frozen import write_mixer
from trainables.optimizer import sgd
from trainables.training import TRAINING_KNOBS

SHAPE, CLASSES, GROUPS, EXAMPLES = (3, 8, 8), 4, 2, 8


class Cost(NamedTuple):
    """One step's cost, averaged over the steps of a rotation.

    Attributes:
        forward: Passes forward through the network or its first stages.
        backward: Passes back, each the derivative of one forward pass.
        work: Multiplications of matrices and convolutions, as a multiple of a plain training step's.
    """

    forward: float
    backward: float
    work: float


def cost(method: Method) -> Cost:
    """Measure a method on a small convolutional net."""
    plain = methods.make(methods.PRESETS["erm"])
    measured = _measured(method)
    return measured._replace(work=measured.work / _measured(plain).work)


class _Passed(torch.autograd.Function):
    """The identity, which calls a function whenever a derivative passes back through it."""

    @staticmethod
    def forward(logits: Tensor, seen: Callable[[], None]) -> Tensor:
        """The logits as they are."""
        return logits.view_as(logits)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep the function."""
        ctx.seen = inputs[1]

    @staticmethod
    def backward(ctx: Any, *slopes: Any) -> Any:
        """The slope as it is."""
        ctx.seen()
        return slopes[0], None


def write_untrained_mixer(target: str) -> None:
    """Write a mixer that fits the small net, for the cost of a method that cannot do without one; no cost depends on its numbers."""
    net = nets.build("cnn", SHAPE, CLASSES)
    member, _ = _ready(methods.make(methods.PRESETS["samix"]), net, 1)
    write_mixer(member.states.mixing, target)


def _measured(method: Method) -> Cost:
    """Passes and operations a step, over one rotation of the method's turns."""
    calls = derivatives = 0
    net = nets.build("cnn", SHAPE, CLASSES)._replace(groups=GROUPS)

    def apply(model: Model, x: Tensor, between: Between) -> tuple[Tensor, Buffers]:
        nonlocal calls
        calls += 1
        logits, buffers = net.apply(model, x, between)
        return _Passed.apply(logits, back), buffers  # type: ignore[return-value]

    def back() -> None:
        nonlocal derivatives
        derivatives += 1

    def encode(model: Model, x: Tensor, depth: int) -> Tensor:
        nonlocal calls
        calls += 1
        return net.encode(model, x, depth)

    steps = math.lcm(len(method.perturbation.gradients), len(method.perturbation.adapts))
    counted = net._replace(apply=apply, encode=encode)
    member, inputs = _ready(method, counted, steps)
    step = make_step(method, counted, sgd())
    calls = derivatives = 0
    with FlopCounterMode(display=False) as counter:
        for turn in range(steps):
            member, _ = step(member, inputs._replace(recipe=tree.take(inputs.recipe, turn)), turn)
    return Cost(calls / steps, derivatives / steps, counter.get_total_flops() / steps)


def _ready(method: Method, net: Net, steps: int) -> tuple[Member, Inputs]:
    """A member, and inputs whose recipe still has its axis of steps."""
    knobs = {knob.name: float(knob.default) for knob in (*method.knobs, *TRAINING_KNOBS)}
    hyper = {name: torch.tensor(value) for name, value in {**knobs, "progress": 0.0}.items()}
    member = start(method, net, sgd(), 0, hyper)
    x = torch.from_numpy(stream(0, "cost").standard_normal((EXAMPLES, *SHAPE), "float32"))
    y = torch.arange(EXAMPLES) % CLASSES
    batch = Batch(x, x, y, y % GROUPS, mates=x[:CLASSES])
    recipe = method.draw(streams(0, 0), knobs, steps, EXAMPLES, net, member.model.params)
    floats = tree.map(lambda leaf: leaf.float() if leaf.is_floating_point() else leaf, recipe)
    return member, Inputs(batch, batch, floats, hyper)
