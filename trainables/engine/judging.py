"""How what a group has learned is judged: what training leaves is made to classify, checked, and measured.

One value, chosen once for a study. The default judges what training with labels leaves: it classifies as it is.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from trainables.axes import Method, Net
from trainables.data.examples import Data, Examples
from trainables.engine.features import Floats, features
from trainables.engine.step import Member

Figures = dict[str, list[float]]
"""Figures by name, one a row of the group."""


class Trained(NamedTuple):
    """A group as it is judged.

    Attributes:
        method, net, group: As in training.
        seeds: The seed of each row.
        data: The splits.
        device, dtype: Of the group.
        chunk: Rows computed at a time.
    """

    method: Method
    net: Net
    group: Member
    seeds: Sequence[int]
    data: Data
    device: str
    dtype: torch.dtype
    chunk: int | None

    def features(self, examples: Examples) -> Floats:
        """Feature vectors (rows, N, width) of a split, read a block at a time."""
        parts = [
            features(self.method, self.net, self.group, self.data.prepare(block.to(self.device), self.dtype), self.chunk)
            for block in examples.blocks()
        ]
        return np.concatenate(parts, axis=1)


class Checkup(NamedTuple):
    """A group after an epoch: figures to log, and of each row the status with which it leaves, or None where it may go on."""

    figures: Figures
    statuses: list[str | None]


class Judging(NamedTuple):
    """How a group is judged.

    Attributes:
        classifying: The group with heads that tell the data's classes apart.
        checkup: What is looked at after an epoch.
        closing: (group, the split that is scored) -> figures taken once, after the last epoch.
        due: (epoch, epochs in all) -> whether the group is scored after that epoch; at rungs and in the end it always is.
    """

    classifying: Callable[[Trained], Member]
    checkup: Callable[[Trained], Checkup]
    closing: Callable[[Trained, Examples], Figures]
    due: Callable[[int, int], bool] = lambda epoch, epochs: True


def as_it_is(trained: Trained) -> Member:
    """A group that has been trained to classify."""
    return trained.group


def unchecked(trained: Trained) -> Checkup:
    """Nothing to log, nothing wrong."""
    return Checkup({}, [None] * len(trained.seeds))


def nothing(trained: Trained, examples: Examples) -> Figures:
    """No figures."""
    return {}


LABELLED = Judging(as_it_is, unchecked, nothing)
"""Of training with labels."""
