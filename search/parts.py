"""The parts of a study file: their keys, what these may be, and their defaults."""

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

    model_config = ConfigDict(extra="forbid", frozen=True)


class Training(Part):
    """How every member is trained. A pair under lr, weight_decay or label_smoothing makes that number a knob of every method."""

    epochs: Count = TRAINING["epochs"]
    batch: Count = TRAINING["batch"]
    optimizer: str = TRAINING["optimizer"]
    momentum: Annotated[float, Field(ge=0, lt=1)] = TRAINING["momentum"]
    nesterov: bool = TRAINING["nesterov"]
    schedule: str = TRAINING["schedule"]
    warmup: Annotated[float, Field(ge=0, lt=1)] = TRAINING["warmup"]
    lr: Any = TRAINING_KNOBS[0].default
    weight_decay: Any = TRAINING_KNOBS[1].default
    label_smoothing: Any = TRAINING_KNOBS[2].default

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


class Halving(Part):
    """After which epochs weak configurations are dropped, and which share of them goes on."""

    rungs: list[Count] = []
    keep: Share = 0.34


class Resources(Part):
    """What one group takes of the cluster."""

    cpu: Annotated[float, Field(gt=0)] = 1
    gpu: Annotated[float, Field(ge=0)] = 0


class Confirm(Part):
    """How many of the best are trained again, with how many fresh seeds."""

    top: Count = 5
    seeds: Count = 10


class Storage(Part):
    """What is written while a search runs.

    Attributes:
        checkpoint_seconds: Most seconds of a group's work that a kill may cost.
        checkpoint_epochs: Most epochs likewise; a checkpoint is due when either is over. None: seconds alone.
        budget: Most bytes of all checkpoints together ("2 GB"); where it is spent, groups keep one checkpoint instead of two, then none.
        reserve: Bytes of disk below which no new group begins.
        patience: Minutes that a search waits for a ledger that cannot be reached or written.
    """

    checkpoint_seconds: Annotated[float, Field(ge=0)] = 30.0
    checkpoint_epochs: Count | None = None
    budget: Bytes = 10 * 10**9
    reserve: Bytes = 2 * 10**8
    patience: Annotated[float, Field(ge=0)] = 10.0
