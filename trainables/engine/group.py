"""Members trained together: the one place that maps over members.

A group is a `Member` whose leaves carry a leading axis of rows, one row a member. Pruning is row indexing.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.func import vmap

from trainables import tree
from trainables.axes import Method, Net, Scalars
from trainables.draws import streams
from trainables.engine.step import Inputs, Member, States, Step
from trainables.optimizer import Optimizer

take = tree.take
"""take(group, rows): the group of the given rows only."""


def count(group: Member) -> int:
    """How many rows it has."""
    return next(iter(group.model.params.values())).shape[0]


def start(method: Method, net: Net, optimizer: Optimizer, seed: int, hyper: Mapping[str, Tensor]) -> Member:
    """A member before its first step: everything random in it comes from its seed."""
    stream = streams(seed)
    some = next(iter(hyper.values()))
    model = method.mixing.grow(stream, net, net.init(stream))
    model = tree.map(lambda leaf: leaf.to(some) if leaf.is_floating_point() else leaf.to(some.device), model)
    states = States(*(axis.init(stream, hyper, net, model) for axis in method))
    return Member(model, optimizer.init(model.params), states)


def advance(step: Step, group: Member, inputs: Inputs, turn: int, chunk: int | None = None) -> tuple[Member, Scalars]:
    """One step of every member.

    Args:
        step: A member's step.
        group: Stacked members.
        inputs: Stacked inputs, row for row.
        turn: Number of the step.
        chunk: Rows computed at a time; all at once by default. Changes memory and speed, not results.
    """

    def at_turn(member: Member, seen: Inputs) -> tuple[Member, Scalars]:
        return step(member, seen, turn)

    return vmap(at_turn, randomness="error", chunk_size=chunk)(group, inputs)


def finite(group: Member) -> Tensor:
    """Whether each row's weights are all finite, (rows,)."""
    params = [leaf for _, leaf in tree.leaves(group.model.params)]
    zeros = [(leaf * 0).flatten(1).sum(1) for leaf in params]  # or nan; isfinite takes five times as long
    return torch.stack(zeros).sum(0) == 0


def stack(members: Sequence[Member]) -> Member:
    """A group of the given members, in order."""
    return tree.stack(list(members))
