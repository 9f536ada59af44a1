"""What the ledger knows of one method, as plain values: its configurations, and the groups that they are trained in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from search.errors import UserError
from search.sampling import Sampling
from search.space import Space
from trainables.evidence import Evidence
from trainables.job import Configuration
from trainables.scores import stability

GROUP, NUMBERS, SEEDS, REASON = "group", "numbers", "seeds", "reason"
"""User attributes of a trial: the group it was handed out in, every number it trains with, how many seeds, why it failed."""

STARTED = "started"
"""User attribute of a study: which groups a worker has, and where."""

EXTRA = "group/"
"""Beginning of a study's user attributes that record groups with more seeds of configurations that have ended."""


@dataclass(frozen=True)
class Group:
    """Configurations of one method that are trained together.

    Attributes:
        name, method: Its name, and its method's.
        configurations: What is trained.
        seeds: Each of them with these.
        extra: Whether these are more seeds of configurations that have ended.
        split: What its members are scored on.
    """

    name: str
    method: str
    configurations: tuple[Configuration, ...]
    seeds: tuple[int, ...]
    extra: bool = False
    split: str = "selection"

    def halves(self) -> tuple["Group", "Group"]:
        """The group as two, the first the larger; the names stay as they are."""
        middle = (len(self.configurations) + 1) // 2
        return replace(self, configurations=self.configurations[:middle]), replace(self, configurations=self.configurations[middle:])


@dataclass
class Entry:
    """What is known of one configuration.

    Attributes:
        trial_id: Its id in the storage.
        state: Optuna's state.
        group: The group it was last handed out in.
        numbers: Every number it trains with.
        seeds: The seeds it was asked with, those of extra groups among them.
        values: Its objectives, where it is complete.
        reason: Why it failed, where it did.
    """

    trial_id: int
    state: TrialState
    group: str
    numbers: dict[str, float]
    seeds: set[int]
    values: list[float] | None = None
    reason: str = ""


@dataclass
class Page:
    """One method's part of the ledger.

    Attributes:
        space: What is searched.
        budget: How many configurations there are to be.
        study_id: Id of its Optuna study.
        entries: Each configuration, by number.
        extras: Groups of extra seeds in flight, by name.
        failed: Reasons of groups of extra seeds that could not be trained, by name.
        last: The highest number that a group's name ends with, whatever became of the group: its files may still be there.
        started: Where each group in flight runs, by name; one that is not there was asked for and waits.
        sampling: What to try next; None where there is but one configuration, or where the ledger is only looked at.
    """

    space: Space
    budget: int
    study_id: int
    entries: list[Entry] = field(default_factory=list)
    extras: dict[str, Group] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    last: int = 0
    started: dict[str, dict[str, Any]] = field(default_factory=dict)
    sampling: Sampling | None = None

    def count(self, state: TrialState) -> int:
        """How many configurations are in a state."""
        return sum(entry.state == state for entry in self.entries)

    def in_flight(self) -> list[Group]:
        """Groups that were handed out and have not ended."""
        found: dict[str, Group] = {}
        for number, entry in enumerate(self.entries):
            if entry.state == TrialState.RUNNING:
                seeds = tuple(sorted(entry.seeds))
                group = found.get(entry.group, Group(entry.group, self.space.name, (), seeds))
                found[entry.group] = replace(group, configurations=(*group.configurations, self._configuration(number)))
        return [*found.values(), *self.extras.values()]

    def lacking(self, seeds: int, members: int) -> tuple[tuple[int, ...], tuple[Configuration, ...]]:
        """Seeds that complete configurations lack, and those that lack the same: at least one, and no more than make `members`."""
        wanted = set(range(seeds))
        lacking = {number: wanted - entry.seeds for number, entry in enumerate(self.entries) if entry.state == TrialState.COMPLETE}
        first = next((missing for missing in lacking.values() if missing), set())
        alike = [number for number, missing in lacking.items() if missing and missing == first]
        return tuple(sorted(first)), tuple(map(self._configuration, alike[: max(1, members // max(1, len(first)))]))

    def read(self, trials: Sequence[FrozenTrial], attributes: Mapping[str, Any]) -> None:
        """Take in what the storage says.

        Raises:
            UserError: If a trial is not one of ours.
        """
        self.entries = [_entry(trial, self.space.name) for trial in trials]
        self.started = dict(attributes.get(STARTED, {}))
        records = {key.removeprefix(EXTRA): record for key, record in attributes.items() if key.startswith(EXTRA)}
        self.last = max(map(serial, (*(entry.group for entry in self.entries), *records)), default=0)
        for name in sorted(records, key=serial):
            self._read_extra(name, records[name])

    def _read_extra(self, name: str, record: Mapping[str, Any]) -> None:
        if record["state"] == "split":
            return
        configurations, split = tuple(map(self._configuration, record["configurations"])), record.get("split", "selection")
        group = Group(name, self.space.name, configurations, tuple(record["seeds"]), extra=True, split=split)
        if record["state"] != "failed" or split != "test":  # who confirms again has put right what failed, or sees it fail again
            for number in record["configurations"]:
                self.entries[number].seeds.update(group.seeds)
        if record["state"] == "failed":
            self.failed[name] = record["reason"]
        if record["state"] == "running":
            self._hand_over(group)

    def _hand_over(self, group: Group) -> None:
        """Take up a running group; a later group's configurations are no longer an earlier one's, of which it is a half."""
        for name, other in list(self.extras.items()):
            left = tuple(one for one in other.configurations if one not in group.configurations or other.seeds != group.seeds)
            self.extras[name] = replace(other, configurations=left)
            if not left:
                del self.extras[name]
        self.extras[group.name] = group

    def _configuration(self, number: int) -> Configuration:
        return Configuration(number, self.entries[number].numbers)


def record_of(group: Group, state: str, reason: str = "") -> dict[str, Any]:
    """What a study's user attributes say of a group of extra seeds. state: "running", "complete", "failed" or "split"."""
    numbers = [configuration.number for configuration in group.configurations]
    return {"configurations": numbers, "seeds": list(group.seeds), "split": group.split, "state": state, "reason": reason}


def objectives(members: Sequence[Evidence]) -> dict[str, float]:
    """What a configuration scores, from the evidence of its seeds."""
    return {
        "accuracy": float(np.mean([member.accuracy for member in members])),
        "tail": float(np.mean([member.tail for member in members])),
        "stability": stability(np.stack([member.predictions for member in members])),
    }


def serial(group: str) -> int:
    """The number at the end of a group's name."""
    digits = group.rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0


def _entry(trial: FrozenTrial, method: str) -> Entry:
    attributes = trial.user_attrs
    if not {GROUP, NUMBERS, SEEDS} <= attributes.keys():
        raise UserError(
            f"trial {trial.number} of {method} was not made by altiplano; a ledger's Optuna studies must not be added to from elsewhere"
        )
    return Entry(
        trial_id=trial._trial_id,  # noqa: SLF001 the storage speaks in ids
        state=trial.state,
        group=attributes[GROUP],
        numbers=attributes[NUMBERS],
        seeds=set(range(attributes[SEEDS])),
        values=list(trial.values) if trial.state == TrialState.COMPLETE else None,
        reason=attributes.get(REASON, ""),
    )
