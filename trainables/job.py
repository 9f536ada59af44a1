"""A job: what a worker is told in order to train one group, all of it plain data."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import torch

from trainables import methods, nets, scenarios
from trainables.data.examples import Data
from trainables.engine.loop import Row, Setting
from trainables.engine.precision import autocast
from trainables.optimizer import OPTIMIZERS, SCHEDULES, with_warmup

STOP = "stop"
"""Name of the file in a study's home that asks its workers to save their groups and leave."""

HOW = frozenset({"threads", "device", "chunk", "compiled"}) | {f"checkpoint_{name}" for name in ("seconds", "epochs", "budget")}
NAMES = frozenset({"study", "home", "method", "group"})
CHOICE = frozenset({"objectives", "rungs", "keep"})
"""What a member's weights do not follow from: how and where it is trained, what that is called, and who goes on at the rungs to come."""


@dataclass(frozen=True)
class Configuration:
    """One configuration: its number in the ledger and every number it trains with, fixed ones included."""

    number: int
    numbers: dict[str, float]


@dataclass(frozen=True)
class Job:
    """One group of a study.

    Attributes:
        study, home: The study's name, and the folder or URL that holds its directory.
        method, axes, options: The method's name in the study, its choice on the three axes, and options of their factories.
        group: The group's name; its evidence and its checkpoint are called so.
        configurations: What is trained, each with all `seeds`.
        seeds: Seeds of the members of each configuration.
        data: Arguments of `trainables.data.load.load`, with `name`.
        net: Arguments of `trainables.nets.build` beside shape and classes, with `name`.
        training: epochs, batch, optimizer, momentum, nesterov, schedule, warmup.
        scenario: Arguments of `scenarios.make`, with `name`.
        tail: Name of the tail score, as `scores.tail_named` takes it.
        objectives: Which of accuracy, tail and stability decide at a rung.
        rungs: Epochs after which configurations may be dropped.
        keep: Share of the configurations that goes on at a rung.
        split: The split that is scored.
        checkpoint_seconds: Least time between two checkpoints.
        checkpoint_epochs: Epochs after which one is due all the same, where given.
        checkpoint_budget: Most bytes of the study's checkpoints together; past half of it a group keeps one instead of two, past it none.
        threads: CPU threads for torch.
        device: Where to train: "cpu", "cuda", "cuda:1" or "auto".
        chunk: Members computed at a time; `engine.pace` says how many by default.
        precision: Type of the weights: "float32" or "float64"; or "bf16": float32 weights, matrix products in bfloat16.
        compiled: Whether steps are compiled by torch's compiler.
    """

    study: str
    home: str
    method: str
    group: str
    axes: dict[str, str]
    configurations: list[Configuration]
    seeds: list[int]
    data: dict[str, Any]
    net: dict[str, Any]
    training: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    scenario: dict[str, Any] = field(default_factory=lambda: {"name": "supervised"})
    tail: str = "worst-class"
    objectives: list[str] = field(default_factory=lambda: ["accuracy", "tail", "stability"])
    rungs: list[int] = field(default_factory=list)
    keep: float = 1.0
    split: str = "selection"
    checkpoint_seconds: float = 30.0
    checkpoint_epochs: int | None = None
    checkpoint_budget: int | None = None
    threads: int = 1
    device: str = "auto"
    chunk: int | None = None
    precision: str = "float32"
    compiled: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The job as plain, JSON-able data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Job":
        """The job that `to_dict` made plain."""
        return cls(**{**plain, "configurations": [Configuration(**one) for one in plain["configurations"]]})

    @property
    def fingerprint(self) -> str:
        """What its members' weights follow from, in few letters: a checkpoint of another job is not taken for one of this."""
        whole = {key: value for key, value in self.to_dict().items() if key not in HOW | NAMES | CHOICE}
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()

    def rows(self) -> list[Row]:
        """Its members, configuration by configuration."""
        return [Row(one.number, seed, one.numbers) for one in self.configurations for seed in self.seeds]

    def setting(self, data: Data) -> Setting:
        """What its members share, built for a data set."""
        training = self.training
        optimizer = {name: training[name] for name in ("momentum", "nesterov") if name in training and training["optimizer"] == "sgd"}
        device, half = chosen_device(self.device), self.precision == "bf16"
        net = nets.build(**{**self.net, "shape": data.shape, "classes": len(data.classes)})
        scenario = scenarios.make(**self.scenario)
        return Setting(
            method=methods.make(methods.Axes(**self.axes), scenario.mixings, **self.options),
            net=autocast(net, device) if half else net,
            optimizer=OPTIMIZERS[training["optimizer"]](**optimizer),
            schedule=with_warmup(SCHEDULES[training["schedule"]], training.get("warmup", 0.0)),
            epochs=training["epochs"],
            batch=training["batch"],
            chunk=self.chunk,
            device=device,
            dtype=torch.float64 if self.precision == "float64" else torch.float32,
            recorded=False if half else None,  # a replay is held to its recording more closely than bfloat16 rounds
            compiled=self.compiled,
            judging=scenario.judging,
            origin=json.dumps([self.axes, self.options, self.scenario, self.net, training, data.shape, data.classes, data.groups]),
        )


def evidence_file(group: str, split: str) -> str:
    """Where a group's evidence goes, relative to the study's home."""
    folder = "evidence" if split == "selection" else f"evidence-{split}"
    return f"{folder}/{group}.parquet"


def chosen_device(name: str) -> str:
    """The device called `name`; "auto" is the GPU where torch sees one."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name
