"""The SoftAD authors' linear demonstration: two overlapping Gaussians in the plane, a full batch of 100, 200 steps of gradient descent.

Their notebook (github.com/feedbackward/bdd-flood, demo_SoftAD.ipynb) prints one draw's final cross-entropies, in training .155 for ERM,
.251 for flooding and .369 for SoftAD, on 20,000 test points .144, .241 and .360, with flood level and theta at .25 and sigma 1. Other
draws of the same distribution must end near them.
"""

import functools

import torch
from torch.func import grad, vmap

from trainables import methods, tree
from trainables.crossentropy import cross_entropy, evenly, one_hot
from trainables.draws import stream

SEEDS = 8
STEPS = 200
PRINTED = {"erm": (0.155, 0.144), "flooding": (0.251, 0.241), "softad": (0.369, 0.360)}
NUMBERS = {"flood": 0.25, "theta": 0.25, "sigma": 1.0}
RATE = 0.1


def points(seed, purpose, count):
    """Half of the points around (0, 0), half around (1, 1), each coordinate with variance 1/10."""
    y = torch.arange(count) % 2
    noise = torch.from_numpy(stream(seed, purpose).standard_normal((count, 2))) * 0.1**0.5
    return {"x": (y[:, None] + noise).float(), "target": one_hot(y, 2, torch.float32)}


def weights(seed):
    """A linear layer as torch initialises it: uniform within 1 / sqrt(2)."""
    drawn = torch.from_numpy(stream(seed, "init").uniform(-(0.5**0.5), 0.5**0.5, (3, 2))).float()
    return {"weight": drawn[:2], "bias": drawn[2]}


def losses(params, data):
    return evenly(cross_entropy(data["x"] @ params["weight"] + params["bias"], data["target"]))


@functools.cache
def ends(name):
    """Final (training, test) cross-entropy of a criterion, averaged over the seeds."""
    criterion = methods.make(methods.PRESETS[name]).criterion
    hyper = {key: torch.tensor(value) for key, value in NUMBERS.items()}
    train, test = (tree.stack([points(seed, part, count) for seed in range(SEEDS)]) for part, count in (("train", 100), ("test", 5000)))
    params = tree.stack([weights(seed) for seed in range(SEEDS)])
    slope = vmap(grad(lambda params, data: criterion.risk({}, hyper, losses(params, data))))
    for _ in range(STEPS):
        params = tree.add(params, slope(params, train), -RATE)
    mean = vmap(lambda params, data: losses(params, data).mean())
    return tuple(mean(params, data).mean().item() for data in (train, test))


def test_each_criterion_ends_near_the_printed_losses():
    for name, printed in PRINTED.items():
        for ours, theirs in zip(ends(name), printed, strict=True):
            assert abs(ours - theirs) < 0.025, (name, ends(name), printed)


def test_flooding_holds_the_training_loss_at_its_level_and_softad_settles_above_it():
    erm, flooding, softad = (ends(name)[0] for name in ("erm", "flooding", "softad"))
    assert erm < 0.2
    assert abs(flooding - 0.25) < 0.01
    assert softad > 0.3
