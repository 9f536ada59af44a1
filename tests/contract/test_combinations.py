"""Any choice on the three axes must train, each of many sampled ones like every preset: alone as in a group, buffers once, finite."""

import functools

import pytest
import torch

from tests.contract.small import gap, rows, setting, trained
from trainables import methods, tree
from trainables.draws import stream
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
def test_a_combination_trains_alone_as_in_a_group(axes):
    method = methods.make(axes)
    members, shared = rows(method, configurations=2, seeds=1), setting(method, epochs=1)
    group = trained(shared, members, epochs=1)
    alone = trained(shared, members[1:], epochs=1)
    assert group.healthy() == [True, True]
    assert gap(alone.group, tree.take(group.group, torch.tensor([1]))) < 1e-10
    counts = [leaf for name, leaf in group.group.model.buffers.items() if name.endswith("num_batches_tracked")]
    assert {int(count) for leaf in counts for count in leaf} == {2 if "probe" in method.needs else 3}
