"""The promises of a method on a net, each a function that returns what is broken, in words; nothing where it is kept."""

from collections.abc import Callable

import torch

from trainables import tree
from trainables.axes import Method
from trainables.contract.bench import BATCH, STEPS, Bench, gap, numbers, rows
from trainables.engine import checkpoint
from trainables.engine.loop import Row
from trainables.perturbation.unperturbed import unperturbed

Promise = Callable[[Bench, Method], list[str]]

TOLERANCE = 1e-10
"""Largest difference of a float64 number that rounding may make."""

DRAWS = "draw from the streams passed in, keep nothing between calls, and let no member read another's"


def alone_as_in_a_group(bench: Bench, method: Method) -> list[str]:
    """A member ends with the same weights alone and in a group of twelve."""
    members, shared = rows(method), bench.setting(method)
    group = bench.trained(shared, members)
    found = []
    for index in (0, 5, 11):
        alone = bench.trained(shared, [members[index]])
        found += _apart(alone.group, tree.take(group.group, torch.tensor([index])), f"member {index} alone", DRAWS)
    return found


def any_order(bench: Bench, method: Method) -> list[str]:
    """The order of a group's rows and how many are computed at a time change nothing."""
    members = rows(method, configurations=3, seeds=2)
    plain = bench.trained(bench.setting(method), members)
    turned = bench.trained(bench.setting(method, chunk=2), members[::-1])
    return _apart(tree.take(turned.group, torch.arange(5, -1, -1)), plain.group, "the group in another order", DRAWS)


def replayed_as_mapped(bench: Bench, method: Method) -> list[str]:
    """Steps replayed from a recording are those that are computed by vmap."""
    members = rows(method, configurations=3, seeds=1)
    mapped = bench.trained(bench.setting(method, recorded=False), members)
    replayed = bench.trained(bench.setting(method, recorded=True, chunk=2), members)  # one member by itself and two together
    return _apart(replayed.group, mapped.group, "a replayed run", "compute in tensors alone: a Python number is frozen in the recording")


def divergence_stays(bench: Bench, method: Method) -> list[str]:
    """A member that diverges leaves its neighbours as they were, and is noticed."""
    healthy = rows(method, configurations=2, seeds=1)
    broken = Row(9, 0, {**numbers(method), "lr": float("inf")})
    beside = bench.trained(bench.setting(method), [healthy[0], broken, healthy[1]])
    if beside.healthy() != [True, False, True]:
        return [f"of three members the second, whose lr is infinite, must diverge and no other, finite are {beside.healthy()}"]
    without = bench.trained(bench.setting(method), healthy)
    return _apart(tree.take(beside.group, torch.tensor([0, 2])), without.group, "the neighbours of a diverged member", DRAWS)


def resumed_as_uninterrupted(bench: Bench, method: Method) -> list[str]:
    """A run taken up from its checkpoint equals one that was never interrupted, to the last bit."""
    members, shared = rows(method, configurations=2, seeds=2), bench.setting(method)
    whole = bench.trained(shared, members)
    half = bench.trained(shared, members, epochs=1)
    resumed, _ = checkpoint.unpack(checkpoint.pack(half), shared, bench.data, members)
    resumed.train_epoch()
    found = [] if resumed.curves == whole.curves else ["a resumed run logs other figures than one that was not interrupted"]
    hint = "what a step leaves for the next must be in the axis' state, which is saved, and nowhere else"
    return found + _apart(resumed.group, whole.group, "a resumed run", hint, 0.0)


def dropped_rows_change_nothing(bench: Bench, method: Method) -> list[str]:
    """Members that are pruned change nothing for those that stay."""
    members, shared = rows(method, configurations=3, seeds=1), bench.setting(method)
    pruned = bench.trained(shared, members, epochs=1)
    pruned.keep([2, 0])
    pruned.train_epoch()
    whole = bench.trained(shared, members)
    return _apart(pruned.group, tree.take(whole.group, torch.tensor([2, 0])), "the members that stay after pruning", DRAWS)


def buffers_move_once(bench: Bench, method: Method) -> list[str]:
    """Running statistics move once a step, and by the unperturbed pass."""
    one_step = {"epochs": 1, "batch": 2 * BATCH if "probe" in method.needs else BATCH * STEPS}
    members = rows(method, configurations=2, seeds=1)
    moved = bench.trained(bench.setting(method, **one_step), members, epochs=1).group.model.buffers
    counts = {int(count) for key, leaf in moved.items() if key.endswith("num_batches_tracked") for count in leaf}
    hint = "a Gradient's buffers are those that the first pass at the weights returned"
    found = [f"running statistics must move once a step, they moved {sorted(counts)} times; {hint}"] if counts - {1} else []
    plain = Method(method.mixing, unperturbed()._replace(needs=method.perturbation.needs), method.criterion)
    unmoved = bench.trained(bench.setting(plain, **one_step), members, epochs=1).group.model.buffers
    return found + _apart(moved, unmoved, "the running statistics without the perturbation", hint, 1e-12)


def ends_stay_finite(bench: Bench, method: Method) -> list[str]:
    """Both ends of every knob's ranges train to finite weights in float32."""
    ends = []
    for knob in method.knobs:
        extremes = knob.choices or {*knob.search, knob.search[0] if knob.log else knob.legal[0]}
        ends += [(knob.name, end, {**numbers(method), knob.name: end}) for end in sorted(extremes)]
    members = [Row(index, 0, end[2]) for index, end in enumerate(ends)] or rows(method, 1, 1)
    run = bench.trained(bench.setting(method, dtype=torch.float32), members)
    hint = "narrow its range, or keep divisions, roots and exponentials from 0 and from overflow"
    lost = [ends[index][:2] if ends else ("", 0.0) for index, fine in enumerate(run.healthy()) if not fine]
    return [f"{f'with {name} {end:g} the' if name else 'the'} weights must stay finite, they do not; {hint}" for name, end in lost]


PROMISES: tuple[Promise, ...] = (
    alone_as_in_a_group,
    any_order,
    replayed_as_mapped,
    divergence_stays,
    resumed_as_uninterrupted,
    dropped_rows_change_nothing,
    buffers_move_once,
    ends_stay_finite,
)
"""All of them, in the order in which they are best mended."""


def _apart(left: object, right: object, what: str, hint: str, tolerance: float = TOLERANCE) -> list[str]:
    found = gap(left, right)
    if found <= tolerance:
        return []
    return [f"{what} must be the same to {tolerance:g} in float64, the largest difference is {found:.1e}; {hint}"]
