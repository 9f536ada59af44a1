"""Training a group epoch by epoch.

A `Run` is the only thing here that changes in place: the group, its rows and their curves. It knows nothing of searches, files
or Ray; `checkpoint` saves it, `trainable` wraps it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables import tree
from trainables.axes import Method, Net, Recipe
from trainables.data.examples import Data, Examples
from trainables.draws import streams
from trainables.engine.asking import Ask, Replayed, mapped
from trainables.engine.compiled import Compiled
from trainables.engine.diagnostics import diagnose
from trainables.engine.evaluate import evaluate
from trainables.engine.features import Floats
from trainables.engine.feed import Feed, Plan, Seeds, batches, placed
from trainables.engine.fitting import fitting
from trainables.engine.group import finite, stack, start
from trainables.engine.judging import LABELLED, Checkup, Figures, Judging, Trained
from trainables.engine.pace import AT_A_TIME, Pace, pays
from trainables.engine.step import Inputs, Member, make_step
from trainables.optimizer import Optimizer, Schedule


@dataclass(frozen=True)
class Setting:
    """What all members of a group share: the structure of their training.

    Attributes:
        method, net, optimizer, schedule: The pieces.
        epochs: Passes over the training split.
        batch: Examples a step; a last, smaller batch is dropped.
        chunk: Rows computed at a time; `pace` says how many by default.
        device: Where to train.
        dtype: Type of the weights.
        recorded: Whether steps and scoring are replayed from recordings, as `pace` explains; where that pays by default.
        compiled: Whether steps are compiled, as `compiled` explains.
        judging: What makes the group classify, and what is measured of it.
        origin: Says all that method, net and optimizer were made from, for data of this shape: recordings of settings of one origin are
            shared. None shares nothing.
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
    recorded: bool | None = None
    compiled: bool = False
    judging: Judging = LABELLED
    origin: str | None = None


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
    _pace: Pace | Compiled | None = field(default=None, init=False, repr=False)
    _chunk: int | None = field(default=None, init=False, repr=False)
    _classifying: Member | None = field(default=None, init=False, repr=False)

    @classmethod
    def begin(cls, setting: Setting, data: Data, rows: Sequence[Row]) -> "Run":
        """A run before its first epoch."""
        hyper = [_tensors(row.numbers, setting) for row in rows]
        pieces = (setting.method, setting.net._replace(groups=len(data.groups)), setting.optimizer)
        members = [start(*pieces, row.seed, numbers) for row, numbers in zip(rows, hyper, strict=True)]
        return cls(setting, placed(data, setting.device), list(rows), stack(members), 0, [{} for _ in rows], [0.0 for _ in rows])

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
        pace = self._pace = self._pace or self._paced(steps)
        recipes, hyper = self._drawn(steps, size)
        seen = zip(*(feed or repeat(None) for feed in self._feeds(examples, steps, size)), strict=False)
        total: dict[str, Tensor] = {}
        self._classifying = None
        for number, (training, probe, mates) in enumerate(seen):
            turn, turns = self.epoch * steps + number, self.setting.epochs * steps
            now = {"lr": hyper["lr"] * self.setting.schedule(turn, turns), "progress": torch.full_like(hyper["lr"], turn / turns)}
            batch = training._replace(mates=mates.x) if mates else training
            inputs = Inputs(batch, probe or batch, tree.map(lambda leaf, at=number: leaf[:, at], recipes), {**hyper, **now})
            self.group, scalars = pace.advance(self.group, inputs, turn)
            total = {name: total[name] + value if total else value for name, value in scalars.items()}
        self.epoch += 1
        self._log({name: (value / steps).tolist() for name, value in total.items()})
        self.log_seconds(time.perf_counter() - began)

    def evaluate(self, examples: Examples) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
        """Losses (rows, N) and predictions (rows, N) on a split."""
        setting, parts = self.setting, []
        with torch.no_grad():
            for x, y in zip(examples.blocks(), examples.y.split(examples.block), strict=True):
                inputs = self.data.prepare(x.to(setting.device), setting.dtype)
                parts.append(self._scored(inputs, y.to(setting.device)))
        losses, predictions = (torch.cat(one, dim=1).cpu().numpy() for one in zip(*parts, strict=True))
        return losses.astype(np.float32), predictions.astype(np.int16)

    def diagnose(self, examples: Examples) -> dict[str, list[float]]:
        """The figures of `diagnostics.diagnose` on some examples, one a row."""
        x = self.data.prepare(examples.x.to(self.setting.device), self.setting.dtype)
        setting = self.setting
        found = diagnose(setting.method, setting.net, self.classifying(), x, examples.y.to(setting.device), self._asked(setting.chunk))
        return {name: values.tolist() for name, values in found.items()}

    def features(self, examples: Examples) -> Floats:
        """Feature vectors (rows, N, width) of a split."""
        return self._trained().features(examples)

    def classifying(self) -> Member:
        """The group with heads that tell the data's classes apart: what is evaluated, diagnosed and exported."""
        if self._classifying is None:
            self._classifying = self.setting.judging.classifying(self._trained())
        return self._classifying

    def checkup(self) -> Checkup:
        """What the judging says of each row after an epoch."""
        return self.setting.judging.checkup(self._trained())

    def closing(self, examples: Examples) -> Figures:
        """Figures that the judging takes in the end, on the split that is scored, one a row."""
        return self.setting.judging.closing(self._trained(), examples)

    def healthy(self) -> list[bool]:
        """Whether each row's weights are still finite."""
        return finite(self.group).tolist()

    def keep(self, indices: Sequence[int]) -> None:
        """Go on with the given rows only."""
        if self.rows and indices:
            rows = torch.tensor(indices, device=self.setting.device)
            self.group = tree.take(self.group, rows)
            self._classifying = tree.take(self._classifying, rows) if self._classifying else None
        self.rows = [self.rows[i] for i in indices]
        self.curves = [self.curves[i] for i in indices]
        self.seconds = [self.seconds[i] for i in indices]

    def nbytes(self) -> int:
        """Bytes that the group takes, and what its steps keep for themselves."""
        recordings = self._pace if isinstance(self._pace, Pace) else None, self._replayed
        return tree.nbytes(self.group) + sum(one.nbytes() for one in recordings if one)

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

    def _scored(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        setting, at_a_time = self.setting, self._chunk or self.setting.chunk
        group = self.classifying()
        found, self._chunk = fitting(
            lambda chunk: evaluate(setting.method, setting.net, group, x, y, self._asked(chunk)), at_a_time, len(self.rows)
        )
        return found

    def _asked(self, chunk: int | None) -> Ask:
        """How members are asked between steps."""
        return self._replayed or mapped(chunk)

    @cached_property
    def _replayed(self) -> Replayed | None:
        """Replays of what is asked in every epoch; none where a net has maps, whose arithmetic takes longer than mapping."""
        setting = self.setting
        if setting.net.spatial or not self._recorded(setting.epochs):
            return None
        return Replayed((setting.chunk or AT_A_TIME) * setting.batch, setting.origin)

    def _recorded(self, times: int) -> bool:
        """Whether what is done so often is replayed from a recording."""
        return pays(self.setting.device, times) if self.setting.recorded is None else self.setting.recorded

    def _trained(self) -> Trained:
        setting = self.setting
        seeds = [row.seed for row in self.rows]
        return Trained(setting.method, setting.net, self.group, seeds, self.data, setting.device, setting.dtype, setting.chunk)

    def _paced(self, steps: int) -> Pace | Compiled:
        setting = self.setting
        if setting.compiled:
            return Compiled(make_step(setting.method, setting.net, setting.optimizer), setting.method, setting.chunk, setting.device)
        step, recorded = make_step(setting.method, setting.net, setting.optimizer), self._recorded(setting.epochs * steps)
        return Pace(step, setting.method, setting.chunk, recorded, spatial=setting.net.spatial, origin=setting.origin)

    def _training_examples(self) -> Examples:
        return self.data.rest if "probe" in self.setting.method.needs else self.data.train

    def _feeds(self, examples: Examples, steps: int, size: int) -> tuple[Feed, Feed | None, Feed | None]:
        """The epoch's training batches, and those of the probe and of mates where the method needs them."""
        setting, data, needs = self.setting, self.data, self.setting.method.needs
        seeds = Seeds(tuple(row.seed for row in self.rows), self.epoch)

        def fed(seen: Examples, orders: Tensor, *, augmented: bool = False) -> Feed:
            drawn = seeds.augmented(data, steps, size) if augmented else {}
            second = seeds.augmented(data, steps, size, "second-") if augmented and "views" in needs else None
            return batches(data, seen, Plan(seeds.places, orders, drawn, second), setting.device, setting.dtype, clean="clean" in needs)

        held = min(size, len(data.probe))
        return (
            fed(examples, seeds.orders("order", len(examples), steps, size), augmented=True),
            fed(data.probe, seeds.orders("probe", len(data.probe), steps, held)) if "probe" in needs else None,
            fed(examples, seeds.mates(examples.y, setting.net.classes, steps)) if "mates" in needs else None,
        )

    def _drawn(self, steps: int, size: int) -> tuple[Recipe, dict[str, Tensor]]:
        """The epoch's recipes (rows, steps, ...) and numbers (rows,)."""
        setting = self.setting
        params = tree.take(self.group.model.params, 0)
        recipes = [setting.method.draw(streams(row.seed, self.epoch), row.numbers, steps, size, setting.net, params) for row in self.rows]
        floats = tree.map(lambda leaf: _placed(leaf, setting), tree.stack(recipes))
        return floats, tree.stack([_tensors(row.numbers, setting) for row in self.rows])


def _tensors(numbers: Mapping[str, float], setting: Setting) -> dict[str, Tensor]:
    return {name: torch.tensor(value, dtype=setting.dtype, device=setting.device) for name, value in numbers.items()}


def _placed(leaf: Tensor, setting: Setting) -> Tensor:
    return leaf.to(setting.device, setting.dtype) if leaf.is_floating_point() else leaf.to(setting.device)
