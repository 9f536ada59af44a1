"""The parts of a study file: their keys, what these may be, and their defaults.

A key's docstring is its line in the reference of the study file.
"""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from trainables.training import TRAINING, TRAINING_KNOBS

Count = Annotated[int, Field(ge=1, strict=True)]
Share = Annotated[float, Field(gt=0, le=1)]


def _bytes(given: Any) -> Any:
    """A size as people write it: 500000000, "500 MB", "2GB"."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMGT]?)B?", given.strip()) if isinstance(given, str) else None
    return int(float(match[1]) * 1000 ** " kMGT".index(match[2] or " ")) if match else given


Bytes = Annotated[int, BeforeValidator(_bytes), Field(ge=0)]


class Part(BaseModel):
    """A part of a study file: unknown keys are refused, values are final."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Training(Part):
    """How every member is trained. A pair under lr, weight_decay or label_smoothing makes that number a knob of every method."""

    epochs: Count = TRAINING["epochs"]
    """Passes over the training split."""
    batch: Count = TRAINING["batch"]
    """Examples of a step."""
    optimizer: str = TRAINING["optimizer"]
    """sgd, or adamw. Weight decay is decoupled from the gradient in both."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = TRAINING["momentum"]
    """Of sgd."""
    nesterov: bool = TRAINING["nesterov"]
    """Nesterov's momentum, for sgd."""
    schedule: str = TRAINING["schedule"]
    """Course of the learning rate: constant, cosine (to 0), or step."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = TRAINING["warmup"]
    """Share of all steps in which the learning rate rises from 0."""
    lr: Any = TRAINING_KNOBS[0].default
    """Learning rate before the schedule: a number, or a pair that is searched."""
    weight_decay: Any = TRAINING_KNOBS[1].default
    """Weights shrink by lr * weight_decay a step: a number, or a pair that is searched."""
    label_smoothing: Any = TRAINING_KNOBS[2].default
    """Share of each label spread evenly over the classes: a number, or a pair that is searched."""

    @property
    def structure(self) -> dict[str, Any]:
        """What all members share, as `Job.training` takes it."""
        return {name: getattr(self, name) for name in TRAINING}

    @property
    def numbers(self) -> dict[str, Any]:
        """What may differ between configurations."""
        return {knob.name: getattr(self, knob.name) for knob in TRAINING_KNOBS}


class Budget(Part):
    """How many configurations of every method."""

    configurations: Count = 24
    """Of every method; a method without a searched knob is one configuration."""


class Halving(Part):
    """After which epochs weak configurations are dropped, and which share of them goes on."""

    rungs: list[Count] = []
    """Epochs after which the configurations of a group are compared."""
    keep: Share = 0.34
    """Share that goes on after each, and whatever cannot be told from it by one standard error."""


class Resources(Part):
    """What one group takes of the cluster."""

    cpu: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1
    """Processor cores."""
    gpu: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    """GPUs; half a one lets two groups share it."""


class Confirm(Part):
    """How many of the best are trained again, with how many fresh seeds."""

    top: Count | None = None
    """Configurations that race, ERM beside them. Left out: five, or twice those that cannot be told from the best where that is more."""
    seeds: Count = 10
    """Most fresh seeds of each."""


class Storage(Part):
    """What is written while a search runs, and how long it waits."""

    checkpoint_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 30.0
    """Most seconds of a group's work that a kill may cost."""
    checkpoint_epochs: Count | None = None
    """Most epochs likewise; a checkpoint is due when either is over. Left out: seconds alone."""
    budget: Bytes = 10 * 10**9
    """Most bytes of all checkpoints together; where it is spent, groups keep one checkpoint instead of two, then none."""
    reserve: Bytes = 2 * 10**8
    """Bytes of disk below which no new group begins."""
    patience: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 10.0
    """Minutes that a search waits for a ledger that cannot be reached or written."""
