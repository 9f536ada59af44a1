"""Training a group epoch by epoch.

A `Run` is the only thing here that changes in place: the group, its rows and their curves. It knows nothing of searches, files
or Ray; `checkpoint` saves it, `trainable` wraps it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables import tree
from trainables.axes import Batch, Method, Net, Recipe
from trainables.data.examples import Data, Examples
from trainables.draws import stream, streams
from trainables.engine.evaluate import evaluate
from trainables.engine.group import advance, finite, stack, start
from trainables.engine.step import Inputs, Member, make_step
from trainables.optimizer import Optimizer, Schedule


@dataclass(frozen=True)
class Setting:
    """What all members of a group share: the structure of their training.

    Attributes:
        method, net, optimizer, schedule: The pieces.
        epochs: Passes over the training split.
        batch: Examples a step; a last, smaller batch is dropped.
        chunk: Rows computed at a time, all by default.
        device: Where to train.
        dtype: Type of the weights.
    """

    method: Method
    net: Net
    optimizer: Optimizer
    schedule: Schedule
    epochs: int
    batch: int
    chunk: int | None = None
    device: str = "cpu"
    dtype: torch.dtype = torch.float32


class Row(NamedTuple):
    """One member of a group: its configuration's number, its seed, and every number of the configuration."""

    configuration: int
    seed: int
    numbers: Mapping[str, float]


Curves = dict[str, list[float]]


@dataclass
class Run:
    """A group being trained.

    Attributes:
        setting: What its members share.
        data: The splits.
        rows: Who is still in training, row by row of `group`.
        group: The stacked members.
        epoch: Epochs finished.
        curves: Per-epoch figures of each row.
        seconds: Each row's share of the training time so far.
    """

    setting: Setting
    data: Data
    rows: list[Row]
    group: Member
    epoch: int = 0
    curves: list[Curves] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @classmethod
    def begin(cls, setting: Setting, data: Data, rows: Sequence[Row]) -> "Run":
        """A run before its first epoch."""
        hyper = [_tensors(row.numbers, setting) for row in rows]
        pieces = (setting.method, setting.net._replace(groups=len(data.groups)), setting.optimizer)
        members = [start(*pieces, row.seed, numbers) for row, numbers in zip(rows, hyper, strict=True)]
        return cls(setting, data, list(rows), stack(members), 0, [{} for _ in rows], [0.0 for _ in rows])

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        return self.epoch >= self.setting.epochs or not self.rows

    def train_epoch(self) -> None:
        """One pass over the training split for every row; the curves grow by the epoch's means."""
        began = time.perf_counter()
        examples = self._training_examples()
        size = min(self.setting.batch, len(examples))
        steps = len(examples) // size
        step = make_step(self.setting.method, self.setting.net, self.setting.optimizer)
        orders, probes, recipes, hyper = self._drawn(len(examples), steps, size)
        mates = self._mates(examples, steps)
        total: dict[str, Tensor] = {}
        for number in range(steps):
            turn, turns = self.epoch * steps + number, self.setting.epochs * steps
            now = {"lr": hyper["lr"] * self.setting.schedule(turn, turns), "progress": torch.full_like(hyper["lr"], turn / turns)}
            batch = self._batch(examples, orders[:, number])
            if mates is not None:
                batch = batch._replace(mates=self.data.prepare(examples.x[mates[:, number]], self.setting.dtype))
            probe = self._batch(self.data.probe, probes[:, number]) if probes is not None else batch
            inputs = Inputs(batch, probe, tree.map(lambda leaf, at=number: leaf[:, at], recipes), {**hyper, **now})
            self.group, scalars = advance(step, self.group, inputs, turn, self.setting.chunk)
            total = {name: total[name] + value if total else value for name, value in scalars.items()}
        self.epoch += 1
        self._log({name: (value / steps).tolist() for name, value in total.items()})
        self.log_seconds(time.perf_counter() - began)

    def evaluate(self, examples: Examples) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
        """Losses (rows, N) and predictions (rows, N) on a split."""
        x = self.data.prepare(examples.x.to(self.setting.device), self.setting.dtype)
        y = examples.y.to(self.setting.device)
        with torch.no_grad():
            losses, predictions = evaluate(self.setting.method, self.setting.net, self.group, x, y, self.setting.chunk)
        return losses.cpu().numpy().astype(np.float32), predictions.cpu().numpy().astype(np.int16)

    def healthy(self) -> list[bool]:
        """Whether each row's weights are still finite."""
        return finite(self.group).tolist()

    def keep(self, indices: Sequence[int]) -> None:
        """Go on with the given rows only."""
        if self.rows and indices:
            self.group = tree.take(self.group, torch.tensor(indices, device=self.setting.device))
        self.rows = [self.rows[i] for i in indices]
        self.curves = [self.curves[i] for i in indices]
        self.seconds = [self.seconds[i] for i in indices]

    def log(self, name: str, values: Sequence[float]) -> None:
        """Append one figure a row to the curve `name` for the epoch just finished."""
        self._log({name: list(values)})

    def log_seconds(self, elapsed: float) -> None:
        """Share `elapsed` seconds evenly among the rows."""
        self.seconds = [seconds + elapsed / len(self.rows) for seconds in self.seconds]

    def _log(self, figures: Mapping[str, Sequence[float]]) -> None:
        for name, values in figures.items():
            for curves, value in zip(self.curves, values, strict=True):
                curve = curves.setdefault(name, [])
                curve.extend([float("nan")] * (self.epoch - 1 - len(curve)))
                curve.append(float(value))

    def _training_examples(self) -> Examples:
        return self.data.rest if "probe" in self.setting.method.needs else self.data.train

    def _batch(self, examples: Examples, indices: Tensor) -> Batch:
        x = self.data.prepare(examples.x[indices], self.setting.dtype)
        return Batch(x, x, examples.y[indices], examples.group[indices])

    def _mates(self, examples: Examples, steps: int) -> Tensor | None:
        """Which examples are `Batch.mates` in each step, (rows, steps, classes); None where the method has no use for them."""
        if "mates" not in self.setting.method.needs:
            return None
        y, classes = examples.y.cpu().numpy(), self.setting.net.classes
        drawn = {seed: one_of_each_class(seed, self.epoch, y, classes, steps) for seed in {row.seed for row in self.rows}}
        return torch.stack([drawn[row.seed] for row in self.rows]).to(self.setting.device)

    def _drawn(self, count: int, steps: int, size: int) -> tuple[Tensor, Tensor | None, Recipe, dict[str, Tensor]]:
        """The epoch's orders (rows, steps, size), probe orders, recipes (rows, steps, ...) and numbers (rows,)."""
        setting, epoch, device = self.setting, self.epoch, self.setting.device
        orders = {seed: order(seed, "order", epoch, count, steps, size) for seed in {row.seed for row in self.rows}}
        probes = None
        if "probe" in setting.method.needs:
            held = {seed: order(seed, "probe", epoch, len(self.data.probe), steps, min(size, len(self.data.probe))) for seed in orders}
            probes = torch.stack([held[row.seed] for row in self.rows]).to(device)
        params = tree.take(self.group.model.params, 0)
        recipes = [setting.method.draw(streams(row.seed, epoch), row.numbers, steps, size, setting.net, params) for row in self.rows]
        floats = tree.map(lambda leaf: _placed(leaf, setting), tree.stack(recipes))
        hyper = tree.stack([_tensors(row.numbers, setting) for row in self.rows])
        return torch.stack([orders[row.seed] for row in self.rows]).to(device), probes, floats, hyper


def order(seed: int, purpose: str, epoch: int, count: int, steps: int, size: int) -> Tensor:
    """Which examples each step of an epoch sees, (steps, size): permutations of `count`, one after the other as often as needed."""
    generator = stream(seed, purpose, epoch)
    rounds = -(-steps * size // count)
    drawn = np.concatenate([generator.permutation(count) for _ in range(rounds)])[: steps * size]
    return torch.from_numpy(drawn.reshape(steps, size))


def one_of_each_class(seed: int, epoch: int, y: NDArray[np.int64], classes: int, steps: int) -> Tensor:
    """A random example of every class for each step, (steps, classes); example 0 for a class that `y` lacks."""
    generator = stream(seed, "mates", epoch)
    drawn = np.zeros((steps, classes), np.int64)
    for label in range(classes):
        members = np.flatnonzero(y == label)
        if len(members):
            drawn[:, label] = generator.choice(members, steps)
    return torch.from_numpy(drawn)


def _tensors(numbers: Mapping[str, float], setting: Setting) -> dict[str, Tensor]:
    return {name: torch.tensor(value, dtype=setting.dtype, device=setting.device) for name, value in numbers.items()}


def _placed(leaf: Tensor, setting: Setting) -> Tensor:
    return leaf.to(setting.device, setting.dtype) if leaf.is_floating_point() else leaf.to(setting.device)
