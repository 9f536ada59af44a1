"""One step of one member by itself: whether each function of a method takes and returns what `axes` says."""

import math

import torch
from torch import Tensor

from trainables import tree
from trainables.axes import Batch, Gradient, Losses, Method, Model, Net, Recipe
from trainables.contract.bench import BATCH, STEPS, Bench, numbers
from trainables.draws import streams
from trainables.engine.group import start
from trainables.engine.step import Inputs, Member, make_step
from trainables.optimizer import sgd


def spoken(bench: Bench, method: Method) -> list[str]:
    """What a method's functions return that is not what they should; the first that is wrong, since the rest follows from it."""
    net = bench.net._replace(groups=len(bench.data.groups))
    values = numbers(method)
    hyper = {name: torch.tensor(value, dtype=torch.float64) for name, value in {**values, "progress": 0.0}.items()}
    member = start(method, net, sgd(), 0, hyper)
    recipe = method.draw(streams(0, 0), values, STEPS, BATCH, net, member.model.params)
    found = _recipe(recipe)
    if found:
        return found
    first = tree.map(lambda leaf: leaf[0].double() if leaf.is_floating_point() else leaf[0], recipe)
    batch = _batch(bench)
    losses = method.mixing.losses(member.states.mixing, hyper, first, net, member.model, batch)
    found = _losses(losses, member.model) or _risk(method.criterion.risk(member.states.criterion, hyper, losses[0]))
    return found or _step(method, net, member, Inputs(batch, batch, first, hyper))


def _batch(bench: Bench) -> Batch:
    few = bench.data.train
    x = bench.data.prepare(few.x[:BATCH], torch.float64)
    return Batch(x, x, few.y[:BATCH], few.group[:BATCH], mates=x[: bench.net.classes])


def _recipe(recipe: Recipe) -> list[str]:
    for name, leaf in tree.leaves(recipe):
        if leaf.shape[:1] != (STEPS,):
            return [f"what draw returns must have one row a step, {name} has the shape {tuple(leaf.shape)} for {STEPS} steps"]
    return []


def _losses(returned: object, model: Model) -> list[str]:
    if not isinstance(returned, tuple) or len(returned) != 2 or not isinstance(returned[0], Losses):
        return [f"losses must return (Losses, buffers), it returned {_kind(returned)}"]
    losses, buffers = returned
    if losses.value.ndim != 1 or losses.weight.shape != losses.value.shape:
        return [f"losses and their weights must both be (n,), got {tuple(losses.value.shape)} and {tuple(losses.weight.shape)}"]
    total = float(losses.weight.sum())
    if not math.isclose(total, 1.0, rel_tol=1e-6):
        return [f"weights of the losses must sum to 1, they sum to {total:.6g}; trainables.crossentropy.evenly gives equal ones"]
    return _same(buffers, model.buffers, "the buffers that losses returns")


def _risk(returned: object) -> list[str]:
    if not isinstance(returned, Tensor) or returned.ndim:
        return [f"risk must return a scalar tensor, it returned {_kind(returned)}"]
    return [] if returned.isfinite() else [f"risk must be finite on ordinary losses, it is {float(returned)}"]


def _step(method: Method, net: Net, member: Member, inputs: Inputs) -> list[str]:
    seen: list[object] = []

    def watched(state: object, hyper: object, recipe: object, objective: object, params: object) -> Gradient:
        seen.append(method.perturbation.gradients[0](state, hyper, recipe, objective, params))  # type: ignore[arg-type]
        if not isinstance(seen[0], Gradient):
            raise ValueError(f"gradient must return a Gradient, it returned {_kind(seen[0])}")
        return seen[0]

    spied = method._replace(perturbation=method.perturbation._replace(gradients=(watched,)))
    after, scalars = make_step(spied, net, sgd())(member, inputs, 0)
    gradient: Gradient = seen[0]  # type: ignore[assignment]
    found = _same(gradient.value, member.model.params, "the gradient") or _same(
        gradient.buffers, member.model.buffers, "a Gradient's buffers"
    )
    for axis, before, state in zip(method._fields, member.states, after.states, strict=True):
        found = found or _same(state, before, f"the {axis}'s state after adapt")
    odd = [name for name, value in scalars.items() if not isinstance(value, Tensor) or value.ndim]
    return found or [f"watch must return scalar tensors, {name} is {_kind(scalars[name])}" for name in odd[:1]]


def _same(given: object, wanted: object, what: str) -> list[str]:
    try:
        pairs = [(name, tuple(leaf.shape), leaf.dtype) for name, leaf in tree.leaves(given)]
    except TypeError:
        return [f"{what} must be a tree of tensors, got {_kind(given)}"]
    expected = [(name, tuple(leaf.shape), leaf.dtype) for name, leaf in tree.leaves(wanted)]
    lost = [f"lacks {_named(entry)}" for entry in expected if entry not in pairs]
    more = [f"has {_named(entry)}" for entry in pairs if entry not in expected]
    if not lost and not more:
        return []
    return [f"{what} must have the names, shapes and types that there were before, it {' and '.join([*lost[:1], *more[:1]])}"]


def _named(entry: tuple[str, tuple[int, ...], torch.dtype]) -> str:
    name, shape, kind = entry
    return f"{name or 'a tensor'} of shape {shape} and {str(kind).removeprefix('torch.')}"


def _kind(thing: object) -> str:
    return f"a tensor of shape {tuple(thing.shape)}" if isinstance(thing, Tensor) else f"{type(thing).__name__}"
