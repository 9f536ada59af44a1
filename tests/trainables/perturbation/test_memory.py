"""Bytes alive at the peak of one step, counted storage by storage as they come and go."""

import pytest
import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from trainables import methods, nets, tree
from trainables.axes import Batch
from trainables.draws import stream
from trainables.engine.group import advance, stack, start
from trainables.engine.step import Inputs, make_step
from trainables.optimizer import sgd
from trainables.training import TRAINING_KNOBS

MEMBERS, EXAMPLES = 2, 2


class Peak(TorchDispatchMode):
    """The largest sum of bytes of all storages alive at once that operations inside it have touched."""

    def __init__(self):
        super().__init__()
        self.alive = {}
        self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                storage = leaf.untyped_storage()
                self.alive[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        self.alive = {key: held for key, held in self.alive.items() if not held[0].expired()}
        self.bytes = max(self.bytes, sum(size for _, size in self.alive.values()))
        return out


def copies(name, **options):
    """Peak of a step in copies of the group's weights; a net of wide layers and two examples, so that activations hardly count."""
    method, net = methods.make(methods.PRESETS[name], **options), nets.build("mlp", (8,), 2, width=512, depth=3, norm="none")
    hyper = {knob.name: torch.tensor(knob.default) for knob in (*method.knobs, *TRAINING_KNOBS)}
    x, y = torch.from_numpy(stream(0, "x").normal(size=(2, EXAMPLES, 8))).float(), torch.arange(EXAMPLES)
    train, probe = (Batch(seen, seen, y, y) for seen in x)
    group = stack([start(method, net, sgd(), seed, hyper) for seed in range(MEMBERS)])
    inputs = tree.stack([Inputs(train, probe, {}, hyper)] * MEMBERS)
    with Peak() as peak:
        advance(make_step(method, net, sgd()), group, inputs, 0)
    return peak.bytes / tree.nbytes(group.model.params)


@pytest.mark.parametrize("kind", ["sam", "asam"])
def test_lets_holds_at_most_two_more_copies_of_the_weights_than_a_fixed_radius(kind):
    fixed, learned = copies(kind), copies(f"lets-{kind}")
    assert 3 < fixed < learned <= fixed + 2.05


def test_a_step_between_lessons_holds_no_more_than_one_copy_beside_a_fixed_radius():
    assert copies("lets-sam", every=2) <= copies("sam") + 1.05
