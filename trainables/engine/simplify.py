"""Fewer operations that compute the same: what need not be done at all, not in every step, not twice, or not apart."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import torch

from trainables.engine.record import Call, Place, Recording, places, replaced, schema

aten = torch.ops.aten


class Program(NamedTuple):
    """Calls to make once, whatever the inputs; calls to make each time; and where the outputs lie afterwards."""

    once: list[Call]
    each: list[Call]
    outputs: list[Place]


def simplified(recording: Recording) -> Program:
    """The recording's calls as a program that computes the same outputs."""
    program = apart([call for call in recording.calls if not is_view(call)], recording)
    return needed(fused(without_repeats(program)))


def is_view(call: Call) -> bool:
    """Whether the call only names part of its argument: a `Place` needs no such name."""
    return call.makes <= call.reads and not call.changes


def changed(calls: Iterable[Call]) -> set[int]:
    """Storages that are written into once more after they were made."""
    return {storage for call in calls for storage in call.changes}


def apart(calls: list[Call], recording: Recording) -> Program:
    """Calls whose results are the same for all inputs, and the others."""
    moving = {place.storage for place in recording.inputs} | changed(calls)
    once, each = [], []
    for call in calls:
        if call.makes & moving or (call.reads & moving and not _by_shape_alone(call)):
            moving |= call.makes
            each.append(call)
        else:
            once.append(call)
    return Program(once, each, recording.outputs)


def without_repeats(program: Program) -> Program:
    """Without calls that do again what one before them did: a second pass blends the same inputs and labels."""
    unsteady = changed(program.each)
    first: dict[object, Call] = {}
    same: dict[int, int] = {}

    def renamed(place: Place) -> Place:
        return place._replace(storage=same.get(place.storage, place.storage))

    def with_the_first(call: Call) -> Call:
        if call.reads.isdisjoint(same):
            return call
        return replace(call, args=replaced(call.args, renamed), options=replaced(call.options, renamed))

    def unlike(calls: list[Call]) -> list[Call]:
        kept = []
        for call in map(with_the_first, calls):
            earlier = first.setdefault((call.operator, call.args, call.options), call)
            if earlier is call or (call.reads | call.makes | earlier.makes) & unsteady:
                kept.append(call)
            else:
                same.update({late.storage: early.storage for late, early in zip(places(call.out), places(earlier.out), strict=True)})
        return kept

    return Program(unlike(program.once), unlike(program.each), [renamed(place) for place in program.outputs])


def fused(program: Program) -> Program:
    """Products that are only ever added to something of their shape, added in the pass over memory that makes them."""
    readers = Counter(storage for call in program.each for storage in call.reads)
    readers.update(place.storage for place in program.outputs)
    unsteady = changed(program.each)
    products: dict[object, Call] = {}
    for call in program.each:
        if call.operator is aten.mul.Tensor and all(readers[made] == 1 for made in call.makes) and not (call.reads | call.makes) & unsteady:
            products[call.out[0]] = call
    return program._replace(each=[_with_product(call, products) for call in program.each])


def _with_product(call: Call, products: dict[object, Call]) -> Call:
    """The call as a + b * c in one if it adds a product or takes it away; else as it is."""
    if call.operator not in {aten.add.Tensor, aten.sub.Tensor} or call.options:
        return call
    sign = 1 if call.operator is aten.add.Tensor else -1
    for other, product in (call.args, call.args[::-1])[: 2 if sign > 0 else 1]:
        if product not in products or not _alike(product, call.out[0], other, *places(products[product].args)):
            continue
        left, right = products[product].args
        if isinstance(right, Place):
            return Call(aten.addcmul.default, (other, left, right), (("value", sign),), call.out)
        return replace(call, args=(other, left), options=(("alpha", right),))
    return call


def _alike(product: Place, out: Place | None, *others: object) -> bool:
    """Whether all are tensors of one real type, the product of the result's shape."""
    same_type = all(isinstance(place, Place) and place.dtype == product.dtype for place in (out, *others))
    return product.dtype.is_floating_point and same_type and out is not None and out.shape == product.shape


def needed(program: Program) -> Program:
    """Without calls of whose results nothing comes."""
    wanted = {place.storage for place in program.outputs}

    def useful(calls: list[Call]) -> list[Call]:
        kept: list[Call] = []
        for call in reversed(calls):
            if (call.makes | call.changes) & wanted:
                wanted.update(call.reads)
                kept.append(call)
        return kept[::-1]

    each = useful(program.each)
    return Program(useful(program.once), each, program.outputs)


def _by_shape_alone(call: Call) -> bool:
    """Whether nothing but its argument's shape and type enters the result."""
    name = schema(call.operator).name
    return name.endswith("_like") or name.startswith("aten::new_")
