"""What a method costs, measured: forward passes and arithmetic of one training step, beside plain training."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from trainables import methods, nets, tree
from trainables.axes import Batch, Between, Buffers, Method, Model, Net
from trainables.draws import stream, streams
from trainables.engine.group import start
from trainables.engine.step import Inputs, Member, make_step
from trainables.optimizer import sgd
from trainables.training import TRAINING_KNOBS

SHAPE, CLASSES, GROUPS, EXAMPLES = (3, 8, 8), 4, 2, 8


class Cost(NamedTuple):
    """One step's cost, averaged over the steps of a rotation.

    Attributes:
        forward: Passes forward through the network or its first stages.
        work: Multiplications of matrices and convolutions, as a multiple of a plain training step's.
    """

    forward: float
    work: float


def cost(method: Method) -> Cost:
    """Measure a method on a small convolutional net."""
    plain = methods.make(methods.PRESETS["erm"])
    forward, work = _measured(method)
    return Cost(forward, work / _measured(plain)[1])


def _measured(method: Method) -> tuple[float, float]:
    """Passes and operations a step, over one rotation of the method's turns."""
    calls = 0
    net = nets.build("cnn", SHAPE, CLASSES)._replace(groups=GROUPS)

    def apply(model: Model, x: Tensor, between: Between) -> tuple[Tensor, Buffers]:
        nonlocal calls
        calls += 1
        return net.apply(model, x, between)

    def encode(model: Model, x: Tensor, depth: int) -> Tensor:
        nonlocal calls
        calls += 1
        return net.encode(model, x, depth)

    steps = math.lcm(len(method.perturbation.gradients), len(method.perturbation.adapts))
    counted = net._replace(apply=apply, encode=encode)
    member, inputs = _ready(method, counted, steps)
    step = make_step(method, counted, sgd())
    calls = 0
    with FlopCounterMode(display=False) as counter:
        for turn in range(steps):
            member, _ = step(member, inputs._replace(recipe=tree.take(inputs.recipe, turn)), turn)
    return calls / steps, counter.get_total_flops() / steps


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
