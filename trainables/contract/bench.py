"""A small task that a method can be trained on within milliseconds, and the trees that come of it compared."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from trainables import nets, tree
from trainables.axes import Method, Net
from trainables.data.examples import Data, Examples
from trainables.data.load import load
from trainables.draws import stream
from trainables.engine.loop import Row, Run, Setting
from trainables.optimizer import constant, sgd

BATCH = 10
STEPS = 3
CLASSES = 10
TRAINING = {"lr": 0.05, "weight_decay": 1e-3, "label_smoothing": 0.1}


class Bench(NamedTuple):
    """A net and data to try methods on: 30 training examples in two groups, 20 of them the rest, 10 the probe."""

    net: Net
    data: Data

    def setting(self, method: Method, **changes: object) -> Setting:
        """Two epochs in float64, but for the changes."""
        plain = {"epochs": 2, "batch": BATCH, "dtype": torch.float64}
        return Setting(method, self.net, sgd(), constant, **{**plain, **changes})  # type: ignore[arg-type]

    def trained(self, setting: Setting, members: Sequence[Row], epochs: int = 2) -> Run:
        """The members after `epochs`."""
        run = Run.begin(setting, self.data, members)
        for _ in range(epochs):
            run.train_epoch()
        return run


@functools.cache
def digits() -> Data:
    """Some digits, grouped by whether they are even."""
    whole = load("digits")
    some = whole.train[torch.arange(BATCH * STEPS)]
    return _split(some.x, some.y, whole.selection[torch.arange(25)], whole.classes)


def noise(shape: tuple[int, ...]) -> Data:
    """Inputs of a shape that mean nothing, for nets that cannot take digits."""
    drawn = torch.from_numpy(stream(0, "contract").standard_normal((BATCH * STEPS + 25, *shape)).astype(np.float32))
    y = torch.arange(len(drawn)) % CLASSES
    few = Examples(drawn[BATCH * STEPS :], y[BATCH * STEPS :], y[BATCH * STEPS :])
    return _split(drawn[: BATCH * STEPS], y[: BATCH * STEPS], few, tuple(map(str, range(CLASSES))))


def _split(x: Tensor, y: Tensor, score: Examples, classes: tuple[str, ...]) -> Data:
    few, scored = Examples(x, y, y % 2), Examples(score.x, score.y, score.y % 2)
    rest, probe = few[torch.arange(2 * BATCH)], few[torch.arange(2 * BATCH, 3 * BATCH)]
    return Data(few, rest, probe, scored, scored, classes, ("even", "odd"), few.shape)


@functools.cache
def usual() -> Bench:
    """Digits on a net with maps and batch norm."""
    return Bench(nets.build("cnn", digits().shape, CLASSES, width=4, stages=2), digits())


def numbers(method: Method, spread: float = 0.0) -> dict[str, float]:
    """Every knob at its default, moved towards the top of its range by `spread` (0 to 1)."""
    chosen = {}
    for knob in method.knobs:
        top = knob.choices[-1] if knob.choices else knob.search[1]
        chosen[knob.name] = (top if spread > 0.5 else knob.default) if knob.choices else knob.default + spread * (top - knob.default)
    return chosen | TRAINING


def rows(method: Method, configurations: int = 4, seeds: int = 3) -> list[Row]:
    """A group: configurations with different numbers, times seeds."""
    return [Row(c, seed, numbers(method, 0.2 * c)) for c in range(configurations) for seed in range(seeds)]


def gap(left: object, right: object) -> float:
    """The largest difference between two trees of tensors."""
    pairs = zip(tree.leaves(left), tree.leaves(right), strict=True)
    return max((_difference(a, b) for (_, a), (_, b) in pairs), default=0.0)


def _difference(left: Tensor, right: Tensor) -> float:
    return (left.double() - right.double()).abs().max().item() if left.numel() else 0.0
