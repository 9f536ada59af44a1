"""The ledger: one Optuna storage, the only record of what was asked, is running and has ended.

One Optuna study per method, named STUDY/METHOD; one Optuna trial per configuration, under the same number. A trial is created whole, in one
transaction, when a group is handed out, and ends once, from the group's evidence. So whatever is killed at whatever time leaves trials that
either ended or are RUNNING with all that is needed to run them again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.sampling import Sampling
from search.space import Space
from search.study import Study
from trainables.evidence import PRUNED, Evidence
from trainables.job import Configuration
from trainables.scores import stability

VERSION = 1
"""Of what is written beside Optuna's own: user attributes of studies and trials."""

NOWHERE = -1
"""Id of an Optuna study that there is not."""

GROUP, NUMBERS, REASON = "group", "numbers", "reason"
"""User attributes of a trial: the group it was handed out in, every number it trains with, why it failed."""


@dataclass(frozen=True)
class Group:
    """Configurations of one method that are trained together."""

    name: str
    method: str
    configurations: tuple[Configuration, ...]


@dataclass
class Entry:
    """What is known of one configuration.

    Attributes:
        trial_id: Its id in the storage.
        state: Optuna's state.
        group: The group it was last handed out in.
        numbers: Every number it trains with.
        values: Its objectives, where it is complete.
        reason: Why it failed, where it did.
    """

    trial_id: int
    state: TrialState
    group: str
    numbers: dict[str, float]
    values: list[float] | None = None
    reason: str = ""


@dataclass
class Page:
    """One method's part of the ledger."""

    space: Space
    budget: int
    study_id: int
    entries: list[Entry] = field(default_factory=list)
    sampling: Sampling | None = None

    def count(self, state: TrialState) -> int:
        """How many configurations are in a state."""
        return sum(entry.state == state for entry in self.entries)


class Ledger:
    """The open ledger of one study; one process at a time writes it.

    Args:
        study: The study.
        storage: The opened storage.
        reading: Open it to look only: nothing is created, and nothing can be asked.

    Attributes:
        pages: Each method's part.
    """

    def __init__(self, study: Study, storage: BaseStorage, *, reading: bool = False) -> None:
        self.study = study
        self.storage = storage
        self.pages = {name: self._page(space, reading=reading) for name, space in study.spaces.items()}
        self._groups = max((_serial(entry.group) for page in self.pages.values() for entry in page.entries), default=0)

    def _page(self, space: Space, *, reading: bool) -> Page:
        page = Page(space, self.study.budget_of(space.name), self._study_id(space, reading=reading))
        trials = self.storage.get_all_trials(page.study_id, deepcopy=False) if page.study_id != NOWHERE else []
        page.entries = [_entry(trial) for trial in trials]
        if space.distributions and not reading:
            page.sampling = Sampling(space, self.study.sampler, len(self.study.objectives), self.study.seed, page.budget)
            page.sampling.learn(trials)
        return page

    def _study_id(self, space: Space, *, reading: bool) -> int:
        """Id of the method's Optuna study, which is made where there is none, or NOWHERE where it must not be made."""
        name = study_name(self.study.name, space.name)
        try:
            return self.storage.get_study_id_from_name(name)
        except KeyError:
            if reading:
                return NOWHERE
        made = self.storage.create_new_study([StudyDirection.MAXIMIZE] * len(self.study.objectives), name)
        self.storage.set_study_user_attr(made, "altiplano", {"version": VERSION, "objectives": list(self.study.objectives)})
        return made

    def ask(self, method: str, count: int) -> Group | None:
        """Hand out a new group of at most `count` configurations, fewer where the budget ends; None where it is spent."""
        page = self.pages[method]
        count = min(count, page.budget - len(page.entries))
        if count <= 0:
            return None
        name = self._next_name(method)
        asked = tuple(self._create(page, name) for _ in range(count))
        return Group(name, method, asked)

    def _create(self, page: Page, group: str) -> Configuration:
        number = len(page.entries)
        params, notes = page.sampling.propose(number) if page.sampling else ({}, {})
        numbers = page.space.numbers(params)
        template = create_trial(
            state=TrialState.RUNNING,
            params=params,
            distributions=page.space.distributions,
            user_attrs={GROUP: group, NUMBERS: numbers},
            system_attrs=notes,
        )
        trial_id = self.storage.create_new_trial(page.study_id, template)
        page.entries.append(Entry(trial_id, TrialState.RUNNING, group, numbers))
        return Configuration(number, numbers)

    def in_flight(self) -> list[Group]:
        """Groups that were handed out and have not ended, in the order in which they were."""
        found: dict[str, Group] = {}
        for method, page in self.pages.items():
            for number, entry in enumerate(page.entries):
                if entry.state == TrialState.RUNNING:
                    group = found.setdefault(entry.group, Group(entry.group, method, ()))
                    found[entry.group] = Group(group.name, method, (*group.configurations, Configuration(number, entry.numbers)))
        return sorted(found.values(), key=lambda group: _serial(group.name))

    def settle(self, group: Group, members: Sequence[Evidence]) -> None:
        """Record what the evidence of a group says of its configurations; those that have ended already stay as they are.

        A configuration that was pruned is never complete: with one objective its score at the rung goes to the sampler as Optuna has it,
        with several the sampler knows only that it was pruned, and counts it among the bad.

        Raises:
            ValueError: If members are missing in the evidence.
        """
        for configuration in group.configurations:
            own = [member for member in members if member.configuration == configuration.number]
            missing = set(range(self.study.seeds)) - {member.seed for member in own}
            if missing:
                raise ValueError(
                    f"{group.name}'s evidence must hold every seed of configuration {configuration.number}, {sorted(missing)} are missing"
                )
            found = objectives(own)
            values = [found[name] for name in self.study.objectives]
            if any(member.status == PRUNED for member in own):
                rungs = {max(member.epochs for member in own): values[0]} if len(values) == 1 else {}
                self._end(group.method, configuration.number, TrialState.PRUNED, rungs=rungs)
            else:
                self._end(group.method, configuration.number, TrialState.COMPLETE, values)

    def fail(self, group: Group, reason: str) -> None:
        """Record that the configurations of a group cannot be trained."""
        for configuration in group.configurations:
            entry = self.pages[group.method].entries[configuration.number]
            if entry.state == TrialState.RUNNING:
                self.storage.set_trial_user_attr(entry.trial_id, REASON, reason)
                entry.reason = reason
                self._end(group.method, configuration.number, TrialState.FAIL)

    def split(self, group: Group) -> tuple[Group, Group]:
        """Hand out a group again as two, under new names, so that no half meets the files of the whole."""
        middle = (len(group.configurations) + 1) // 2
        first, second = (self._renamed(group, part) for part in (group.configurations[:middle], group.configurations[middle:]))
        return first, second

    def _renamed(self, group: Group, part: tuple[Configuration, ...]) -> Group:
        name = self._next_name(group.method)
        for configuration in part:
            entry = self.pages[group.method].entries[configuration.number]
            self.storage.set_trial_user_attr(entry.trial_id, GROUP, name)
            entry.group = name
        return Group(name, group.method, part)

    def _next_name(self, method: str) -> str:
        self._groups += 1
        return f"{method}-{self._groups:04d}"

    def _end(
        self, method: str, number: int, state: TrialState, values: list[float] | None = None, rungs: Mapping[int, float] | None = None
    ) -> None:
        page = self.pages[method]
        entry = page.entries[number]
        if entry.state != TrialState.RUNNING:
            return
        for epoch, value in (rungs or {}).items():
            self.storage.set_trial_intermediate_value(entry.trial_id, epoch, value)
        self.storage.set_trial_state_values(entry.trial_id, state, values)
        entry.state, entry.values = state, values
        if page.sampling:
            page.sampling.tell(number, state, values, rungs)

    @property
    def complete(self) -> bool:
        """Whether every configuration of every budget has been asked and has ended."""
        return all(len(page.entries) >= page.budget and not page.count(TrialState.RUNNING) for page in self.pages.values())


def objectives(members: Sequence[Evidence]) -> dict[str, float]:
    """What a configuration scores, from the evidence of its seeds."""
    return {
        "accuracy": float(np.mean([member.accuracy for member in members])),
        "tail": float(np.mean([member.tail for member in members])),
        "stability": stability(np.stack([member.predictions for member in members])),
    }


def study_name(study: str, method: str) -> str:
    """Name of a method's Optuna study."""
    return f"{study}/{method}"


def _entry(trial: FrozenTrial) -> Entry:
    attributes = trial.user_attrs
    state = trial.state
    values = list(trial.values) if state == TrialState.COMPLETE else None
    return Entry(
        trial_id=trial._trial_id,  # noqa: SLF001 the storage speaks in ids
        state=state,
        group=attributes.get(GROUP, ""),
        numbers=attributes.get(NUMBERS, {}),
        values=values,
        reason=attributes.get(REASON, ""),
    )


def _serial(group: str) -> int:
    """The number at the end of a group's name."""
    digits = group.rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0
