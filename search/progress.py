"""How far a study is, as plain data: for the live display, for `status` and for notebooks."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.trial import TrialState

from search.amounts import counted
from search.ledger import Ledger
from search.page import Group, Page
from search.study import Study


@dataclass(frozen=True)
class MethodStatus:
    """One method's configurations, counted.

    Attributes:
        budget: How many there are to be.
        finished, pruned, failed: How many ended so.
        running: How many a worker has.
        asked: How many wait for one.
        best: The best value of each objective so far.
    """

    name: str
    budget: int
    finished: int
    pruned: int
    failed: int
    running: int
    asked: int
    best: dict[str, float]

    @property
    def done(self) -> int:
        """How many have ended."""
        return self.finished + self.pruned + self.failed

    def __str__(self) -> str:
        counts = (("running", self.running), ("asked", self.asked), ("pruned", self.pruned), ("failed", self.failed))
        best = ", ".join(f"{name} {value:.3f}" for name, value in self.best.items())
        words = [f"{count} {word}" for word, count in counts if count] + ([f"best {best}"] if best else [])
        return f"{self.name:<16} {self.done:>4}/{self.budget:<4} {'; '.join(words)}".rstrip()


@dataclass(frozen=True)
class GroupStatus:
    """A group in flight: what it trains, how far it is and where, as far as that is known."""

    name: str
    method: str
    configurations: int
    seeds: int
    epoch: int | None = None
    members: int | None = None
    host: str | None = None
    process: int | None = None

    def __str__(self) -> str:
        where = f"on {self.host}, process {self.process}" if self.host else "waits for a worker"
        epoch = f"epoch {self.epoch}, " if self.epoch is not None else ""
        extent = f"{counted(self.configurations, 'configuration')} x {counted(self.seeds, 'seed')}"
        return f"{self.name}: {extent}, {epoch}{where}"


@dataclass(frozen=True)
class Failure:
    """A configuration that could not be trained; without a number: more seeds of some."""

    method: str
    number: int | None
    reason: str

    def __str__(self) -> str:
        return f"{self.method}{'' if self.number is None else f' {self.number}'} failed: {self.reason}"


@dataclass(frozen=True)
class Status:
    """How far a study is.

    Attributes:
        name, home: Which study.
        methods: Each method, erm first.
        groups: What is in flight.
        failures: What failed and why.
        epochs: Epochs of each member.
        seeds: Members of each configuration.
        seconds: How long this run has been going on; None outside one.
        settled: Configurations that ended in this run.
    """

    name: str
    home: str
    methods: list[MethodStatus]
    groups: list[GroupStatus]
    failures: list[Failure]
    epochs: int
    seeds: int
    seconds: float | None = None
    settled: int = 0

    @property
    def done(self) -> int:
        """Configurations that have ended."""
        return sum(method.done for method in self.methods)

    @property
    def budget(self) -> int:
        """Configurations there are to be."""
        return sum(method.budget for method in self.methods)

    @property
    def complete(self) -> bool:
        """Whether every configuration has ended."""
        return self.done >= self.budget

    @property
    def members_per_second(self) -> float | None:
        """Members finished a second in this run, once there are any."""
        return self.settled * self.seeds / self.seconds if self.seconds and self.settled else None

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at this run's pace so far."""
        pace = self.members_per_second
        return (self.budget - self.done) * self.seeds / pace if pace else None

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.done} of {counted(self.budget, 'configuration')} in {self.home}"]
        lines += [f"  {method}" for method in self.methods]
        lines += [f"  {group}" for group in self.groups]
        lines += [f"  {failure}" for failure in self.failures]
        return "\n".join(lines)


@dataclass
class Clock:
    """What a run in progress knows beyond its ledger.

    Attributes:
        began: When it began (monotonic seconds).
        done: Configurations that had ended by then.
        trained: When the first group was taken up, once one was.
        live: The last result of each group in flight, by the group's name.
    """

    began: float
    done: int
    trained: float | None = None
    live: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def status_of(ledger: Ledger, home: str, clock: Clock | None = None) -> Status:
    """How far a study is, from its ledger."""
    study = ledger.study
    methods = [_method(name, page, study.objectives) for name, page in ledger.pages.items()]
    live = clock.live if clock else {}
    groups = [
        _group(group, {**page.started.get(group.name, {}), **live.get(group.name, {})})
        for page in ledger.pages.values()
        for group in page.in_flight()
    ]
    done = sum(method.done for method in methods)
    return Status(
        name=study.name,
        home=home,
        methods=methods,
        groups=groups,
        failures=_failures(ledger),
        epochs=study.training.epochs,
        seeds=study.seeds,
        seconds=time.monotonic() - clock.began if clock else None,
        settled=done - clock.done if clock else 0,
    )


def nothing_yet(study: Study, home: str) -> Status:
    """The status of a study that has not begun."""
    methods = [MethodStatus(name, study.budget_of(name), 0, 0, 0, 0, 0, {}) for name in study.spaces]
    return Status(study.name, home, methods, [], [], study.training.epochs, study.seeds)


def _failures(ledger: Ledger) -> list[Failure]:
    found = []
    for name, page in ledger.pages.items():
        found += [Failure(name, number, entry.reason) for number, entry in enumerate(page.entries) if entry.state == TrialState.FAIL]
        found += [Failure(name, None, f"{group}: {reason}") for group, reason in page.failed.items()]
    return found


def _method(name: str, page: Page, objectives: list[Any]) -> MethodStatus:
    complete = [entry.values for entry in page.entries if entry.values is not None]
    asked = sum(entry.state == TrialState.RUNNING and entry.group not in page.started for entry in page.entries)
    best = {objective: max(values[place] for values in complete) for place, objective in enumerate(objectives)} if complete else {}
    return MethodStatus(
        name=name,
        budget=page.budget,
        finished=page.count(TrialState.COMPLETE),
        pruned=page.count(TrialState.PRUNED),
        failed=page.count(TrialState.FAIL),
        running=page.count(TrialState.RUNNING) - asked,
        asked=asked,
        best=best,
    )


def _group(group: Group, known: Mapping[str, Any]) -> GroupStatus:
    return GroupStatus(
        name=group.name,
        method=group.method,
        configurations=len(group.configurations),
        seeds=len(group.seeds),
        epoch=known.get("epoch"),
        members=known.get("members"),
        host=known.get("hostname", known.get("host")),
        process=known.get("pid", known.get("process")),
    )
