"""The batches of an epoch: gathered once for each seed, some steps at once, augmented, and copied to the device ahead.

Members with one seed see the same examples in the same order, augmented alike, so these are made once and then taken for every row.
"""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables import tree
from trainables.axes import Batch
from trainables.data import augment
from trainables.data.augment import Drawn
from trainables.data.examples import Data, Examples
from trainables.draws import Streams, stream

RESIDENT_SHARE = 0.5
"""Data that take less than this share of a device's free memory are moved there as a whole."""

NUMBERS = 1 << 20
"""Numbers in the inputs that are gathered and augmented at once, at most, unless a step has more: 4 MiB as floats."""

Feed = Iterator[Batch]
"""The batches of an epoch, step by step."""


class Plan(NamedTuple):
    """What the members of a group see in an epoch.

    Attributes:
        seeds: The row of `orders` that each member follows, (rows,).
        orders: Examples of each step, (seeds, steps, size).
        drawn: What was drawn for their augmentation, each (seeds, steps, size).
        second: The same for a second view of them; None where there shall be none.
    """

    seeds: Tensor
    orders: Tensor
    drawn: Drawn
    second: Drawn | None = None


class Seeds(NamedTuple):
    """The seeds of a group's rows in one epoch, and what they fix."""

    rows: tuple[int, ...]
    epoch: int

    @property
    def distinct(self) -> list[int]:
        """Each seed once."""
        return sorted(set(self.rows))

    @property
    def places(self) -> Tensor:
        """Where in `distinct` each row's seed stands, (rows,)."""
        return torch.tensor([self.distinct.index(seed) for seed in self.rows])

    def orders(self, purpose: str, count: int, steps: int, size: int) -> Tensor:
        """Which of `count` examples each step sees, (seeds, steps, size)."""
        return torch.stack([order(seed, purpose, self.epoch, count, steps, size) for seed in self.distinct])

    def mates(self, y: Tensor, classes: int, steps: int) -> Tensor:
        """One example of every class for each step, (seeds, steps, classes)."""
        labels = y.cpu().numpy()
        return torch.stack([one_of_each_class(seed, self.epoch, labels, classes, steps) for seed in self.distinct])

    def augmented(self, data: Data, steps: int, size: int, view: str = "") -> Drawn:
        """Draws for the augmentation of the training batches, each (seeds, steps, size); `view` names streams of their own."""

        def named(seed: int) -> Streams:
            return lambda purpose: stream(seed, view + purpose, self.epoch)

        return tree.stack([augment.draw(data.augmentation, named(seed), steps, size, data.shape) for seed in self.distinct])


def placed(data: Data, device: str) -> Data:
    """The data set with its training examples on the device, where it is a GPU with enough room; otherwise as it is."""
    if torch.device(device).type != "cuda":
        return data
    free, _ = torch.cuda.mem_get_info(device)
    return data.to(device) if data.train.nbytes() < RESIDENT_SHARE * free else data


def batches(data: Data, examples: Examples, plan: Plan, device: str, dtype: torch.dtype, *, clean: bool = False) -> Feed:
    """The batch of every step, row by row of the group.

    Args:
        data: Says how inputs are prepared and augmented.
        examples: What the orders refer to.
        plan: Orders and draws.
        device: Where the batches shall be.
        dtype: Of the prepared inputs.
        clean: Whether `Batch.clean` shall be without augmentation.

    Yields:
        Batches whose tensors are (rows, size, ...), on the device.
    """
    seeds, steps = plan.seeds.to(device), _blocks(plan.orders, math.prod(data.shape))
    ready = _made(lambda number: _gathered(examples, plan.orders[:, steps[number]]), len(steps), device)
    for block, (stored, y, group) in zip(steps, ready, strict=True):
        x = _augmented(data, stored, plan.drawn, block, dtype)
        plain = data.prepare(stored, dtype) if clean and plan.drawn else x
        view = () if plan.second is None else _augmented(data, stored, plan.second, block, dtype)
        made = Batch(x, plain, y, group, view=view)
        yield from (_of_step(made, step, seeds) for step in range(y.shape[1]))


def _blocks(orders: Tensor, numbers: int) -> list[slice]:
    """Steps that are made at once: as many as make `NUMBERS` of inputs that have so many each."""
    seeds, steps, size = orders.shape
    length = max(1, NUMBERS // (seeds * size * numbers))
    return [slice(begin, begin + length) for begin in range(0, steps, length)]


def _of_step(made: Batch, step: int, seeds: Tensor) -> Batch:
    """Of (seeds, steps, ...) one step, row by row."""
    return tree.map_once(lambda leaf: leaf[:, step].index_select(0, seeds), made)  # which copies batches; [seeds] copies numbers


def _augmented(data: Data, stored: Tensor, drawn: Drawn, steps: slice, dtype: torch.dtype) -> Tensor:
    """The stored inputs of some steps (seeds, steps, size, *shape) as drawn for them and prepared."""
    now = {name: values[:, steps].to(stored.device) for name, values in drawn.items()}
    return augment.cut(data.prepare(augment.moved(stored, now), dtype), now, data.augmentation.cutout)


def _gathered(examples: Examples, indices: Tensor) -> tuple[Tensor, ...]:
    here = indices.to(examples.y.device)
    return examples.inputs(here), examples.y[here], examples.group[here]


def _made(make: Callable[[int], tuple[Tensor, ...]], steps: int, device: str) -> Iterator[tuple[Tensor, ...]]:
    """make(0), make(1), ... on the device."""
    lies = make(0)[0].device.type
    return (make(step) for step in range(steps)) if lies == torch.device(device).type else _copied(make, steps, device)


def _copied(make: Callable[[int], tuple[Tensor, ...]], steps: int, device: str) -> Iterator[tuple[Tensor, ...]]:
    """make(0), make(1), ... copied to a device, each gathered by a thread while the one before is used."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(lambda: _pinned(make(0)))
        for step in range(1, steps + 1):
            ready = coming.result()
            if step < steps:
                coming = thread.submit(lambda at: _pinned(make(at)), step)
            yield tuple(part.to(device, non_blocking=True) for part in ready)


def _pinned(parts: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """In memory that a GPU can read by itself, where there is one."""
    return tuple(part.pin_memory() for part in parts) if torch.cuda.is_available() else parts


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
