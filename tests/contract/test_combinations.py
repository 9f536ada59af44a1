"""Any choice on the three axes must train, each of many sampled ones: alone as in a group, finite, resumed as never interrupted.

One group a combination serves all of it, in two epochs of one step: enough to see what a step leaves for the next.
"""

import functools

import pytest
import torch

from tests.contract.small import BATCH, data, gap, numbers, setting, trained
from trainables import methods, tree
from trainables.axes import Method
from trainables.draws import stream
from trainables.engine import checkpoint
from trainables.engine.loop import Row
from trainables.methods import Axes
from trainables.requirements import Surroundings, obstacles

SAMPLED = 200
AROUND = Surroundings(spatial=True, image=True, groups=2, mixes=True)


@functools.cache
def possible() -> list[Axes]:
    """Every combination that the contract's net and data can host."""
    every = [Axes(m, p, c) for m in methods.MIXINGS for p in methods.PERTURBATIONS for c in methods.CRITERIA]
    return [axes for axes in every if not obstacles(methods.make(axes), AROUND._replace(mixes=axes.mixing != "none"))]


def sampled() -> list[Axes]:
    """The combinations tried, the same ones in every run."""
    every = possible()
    chosen = stream(0, "combinations").permutation(len(every))[:SAMPLED]
    return [every[index] for index in sorted(chosen)]


def test_there_are_more_combinations_than_are_sampled():
    assert len(possible()) > SAMPLED


@pytest.mark.slow
@pytest.mark.parametrize("axes", sampled(), ids="-x-".join)
def test_a_combination_trains_alone_as_in_a_group_stays_finite_at_every_knobs_ends_and_resumes_to_the_last_bit(axes):
    method = methods.make(axes)
    members = [Row(index, index % 2, chosen) for index, chosen in enumerate([numbers(method, 0.2), *corners(method)])]
    shared = setting(method, batch=2 * BATCH)
    whole = trained(shared, members, epochs=1)
    resumed, _ = checkpoint.unpack(checkpoint.pack(whole), shared, data(), members)
    whole.train_epoch()
    resumed.train_epoch()
    assert whole.healthy() == [True] * len(members)
    assert gap(resumed.group, whole.group) == 0
    assert resumed.curves == whole.curves
    alone = trained(shared, members[:1])
    assert gap(alone.group, tree.take(whole.group, torch.tensor([0]))) < 1e-10
    counts = [leaf for name, leaf in whole.group.model.buffers.items() if name.endswith("num_batches_tracked")]
    assert {int(count) for leaf in counts for count in leaf} == {2}


def corners(method: Method) -> list[dict[str, float]]:
    """Every knob at one end of its range or the other: all low, all high, and by turns."""
    ends = [knob.choices or knob.search for knob in method.knobs]
    return [
        numbers(method)
        | {knob.name: end[low if place % 2 else high] for place, (knob, end) in enumerate(zip(method.knobs, ends, strict=True))}
        for low, high in ((0, 0), (-1, -1), (0, -1), (-1, 0))
    ]
