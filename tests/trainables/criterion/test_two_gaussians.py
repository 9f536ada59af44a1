"""The SoftAD authors' linear demonstration: two overlapping Gaussians in the plane, a full batch of 100, 200 steps of gradient descent.

Their notebook (github.com/feedbackward/bdd-flood, demo_SoftAD.ipynb) prints one draw's final cross-entropies, in training .155 for ERM,
.251 for flooding and .369 for SoftAD, on 20,000 test points .144, .241 and .360, with flood level and theta at .25 and sigma 1. Other
draws of the same distribution must end near them.
"""

import functools

import pytest
import torch
from torch import nn

from trainables import methods, tree
from trainables.axes import Batch
from trainables.crossentropy import cross_entropy, one_hot
from trainables.draws import stream
from trainables.engine.group import advance, stack, start
from trainables.engine.step import Inputs, make_step
from trainables.nets.staged import Staged, functional
from trainables.optimizer import sgd

SEEDS = 4
STEPS = 200
PRINTED = {"erm": (0.155, 0.144), "flooding": (0.251, 0.241), "softad": (0.369, 0.360)}
NUMBERS = {"lr": 0.1, "weight_decay": 0.0, "label_smoothing": 0.0, "flood": 0.25, "theta": 0.25, "sigma": 1.0}


def points(seed: int, purpose: str, count: int) -> Batch:
    """Half of the points around (0, 0), half around (1, 1), each coordinate with variance 1/10."""
    y = torch.arange(count) % 2
    noise = torch.from_numpy(stream(seed, purpose).standard_normal((count, 2))) * 0.1**0.5
    x = (y[:, None] + noise).float()
    return Batch(x, x, y, torch.zeros_like(y))


@functools.cache
def ends(name: str) -> tuple[float, float]:
    """Final (training, test) cross-entropy of a preset, averaged over the seeds."""
    net = functional(lambda: Staged([nn.Identity()], nn.Identity(), nn.Linear(2, 2)), (2,))
    method, optimizer = methods.make(methods.PRESETS[name]), sgd(momentum=0.0)
    hyper = {key: torch.tensor(value) for key, value in NUMBERS.items()}
    group = stack([start(method, net, optimizer, seed, hyper) for seed in range(SEEDS)])
    train, test = (tree.stack([points(seed, part, count) for seed in range(SEEDS)]) for part, count in (("train", 100), ("test", 5000)))
    inputs = Inputs(train, train, {}, tree.stack([hyper] * SEEDS))
    step = make_step(method, net, optimizer)
    for turn in range(STEPS):
        group, _ = advance(step, group, inputs, turn)

    def loss(member, batch):
        return cross_entropy(net.predict(member.model, batch.x), one_hot(batch.y, 2, torch.float32)).mean()

    return tuple(torch.vmap(loss)(group, batch).mean().item() for batch in (train, test))


@pytest.mark.slow
def test_each_criterion_ends_near_the_printed_losses():
    for name, printed in PRINTED.items():
        for ours, theirs in zip(ends(name), printed, strict=True):
            assert abs(ours - theirs) < 0.025, (name, ends(name), printed)


@pytest.mark.slow
def test_flooding_holds_the_training_loss_at_its_level_and_softad_settles_above_it():
    erm, flooding, softad = (ends(name)[0] for name in ("erm", "flooding", "softad"))
    assert erm < 0.2
    assert abs(flooding - 0.25) < 0.01
    assert softad > 0.3
