"""The ledger: one Optuna storage, the only record of what was asked, is running and has ended.

One Optuna study per method, named STUDY/METHOD; one Optuna trial per configuration, under the same number. A trial is created whole, in one
transaction, when a group is handed out, and ends once, from the group's evidence. So whatever is killed at whatever time leaves trials that
either ended or are RUNNING with all that is needed to run them again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.errors import UserError
from search.page import EXTRA, GROUP, NUMBERS, REASON, SEEDS, STARTED, Entry, Group, Page, objectives, record_of, serial
from search.patience import Patience
from search.sampling import Sampling
from search.space import Space
from search.study import Study
from trainables.evidence import PRUNED, Evidence
from trainables.job import Configuration

VERSION = 1
"""Of what is written beside Optuna's own: user attributes of studies and trials."""

MARK = "altiplano"
"""User attribute of a method's Optuna study: version and objectives."""

METRIC_NAMES = "study:metric_names"
"""Where Optuna's plots and optuna-dashboard look for the objectives' names; `Study.set_metric_names` warns of being experimental."""

NOWHERE = -1
"""Id of an Optuna study that there is not."""


class Ledger:
    """The open ledger of one study; one process at a time writes it.

    Args:
        study: The study.
        storage: The opened storage.
        reading: Open it to look only: nothing is created, and nothing can be asked.
        patience: How long to wait for a storage that cannot be written; not at all by default.
        earlier: Trials of an earlier study to learn from, by method.

    Attributes:
        pages: Each method's part.
    """

    def __init__(
        self,
        study: Study,
        storage: BaseStorage,
        *,
        reading: bool = False,
        patience: Patience | None = None,
        earlier: Mapping[str, Sequence[FrozenTrial]] | None = None,
    ) -> None:
        self.study = study
        self.storage = storage
        self.patiently = patience or Patience()
        self.pages = {name: self._page(space, (earlier or {}).get(name, ()), reading=reading) for name, space in study.spaces.items()}
        self._groups = max((page.last for page in self.pages.values()), default=0)

    def _page(self, space: Space, earlier: Sequence[FrozenTrial], *, reading: bool) -> Page:
        page = Page(space, self.study.budget_of(space.name), self._study_id(space, reading=reading))
        if page.study_id == NOWHERE:
            return page
        trials = self.storage.get_all_trials(page.study_id, deepcopy=False)
        attributes = self.storage.get_study_user_attrs(page.study_id)
        check_version(attributes.get(MARK, {}), self.study.name)
        if MARK not in attributes and not reading:
            self._mark(page.study_id)
        page.read(trials, attributes)
        page.budget = max(page.budget, len(page.entries))
        if space.distributions and not reading:
            page.sampling = Sampling(space, self.study.sampler, len(self.study.objectives), self.study.seed, page.budget)
            page.sampling.learn(earlier, foreign=True)
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
        return self.storage.create_new_study([StudyDirection.MAXIMIZE] * len(self.study.objectives), name)

    def _mark(self, study_id: int) -> None:
        """Say what a method's Optuna study is, its mark last: whoever was killed on the way is made up for."""
        self.storage.set_study_system_attr(study_id, METRIC_NAMES, list(self.study.objectives))
        self.storage.set_study_user_attr(study_id, MARK, {"version": VERSION, "objectives": list(self.study.objectives)})

    def ask(self, method: str, count: int) -> Group | None:
        """Hand out a new group of at most `count` configurations, fewer where the budget ends; None where it is spent."""
        page = self.pages[method]
        count = min(count, page.budget - len(page.entries))
        if count <= 0:
            return None
        name = self._next_name(method)
        asked = tuple(self._create(page, name) for _ in range(count))
        return Group(name, method, asked, tuple(range(self.study.seeds)))

    def ask_seeds(self, members: int) -> Group | None:
        """Hand out seeds that complete configurations lack, about `members` of them; None where there are none."""
        for method, page in self.pages.items():
            seeds, configurations = page.lacking(self.study.seeds, members)
            if configurations:
                group = Group(self._next_name(method), method, configurations, seeds, extra=True)
                self._record(group, "running")
                return group
        return None

    def ask_fresh(self, method: str, numbers: Sequence[int], seeds: Sequence[int], split: str) -> Group:
        """Hand out configurations that there are with the given seeds, scored on a split; no objective changes by it."""
        page = self.pages[method]
        configurations = tuple(Configuration(number, page.entries[number].numbers) for number in numbers)
        group = Group(self._next_name(method), method, configurations, tuple(seeds), extra=True, split=split)
        self._record(group, "running")
        return group

    def _create(self, page: Page, group: str) -> Configuration:
        number = len(page.entries)
        params, notes = page.sampling.propose(number) if page.sampling else ({}, {})
        numbers = page.space.numbers(params)
        template = create_trial(
            state=TrialState.RUNNING,
            params=params,
            distributions=page.space.recorded,
            user_attrs={GROUP: group, NUMBERS: numbers, SEEDS: self.study.seeds},
            system_attrs=notes,
        )
        trial_id = self.patiently(lambda again: self._written(page, number, template, again=again))
        page.entries.append(Entry(trial_id, TrialState.RUNNING, group, numbers, set(range(self.study.seeds))))
        return Configuration(number, numbers)

    def _written(self, page: Page, number: int, template: FrozenTrial, *, again: bool) -> int:
        """Id of the trial in the storage; one that was written just before the connection broke is not written twice."""
        if again:
            there = self.storage.get_all_trials(page.study_id, deepcopy=False)
            if len(there) > number:
                return there[number]._trial_id  # noqa: SLF001 the storage speaks in ids
        return self.storage.create_new_trial(page.study_id, template)

    def started(self, group: Group, where: Mapping[str, Any]) -> None:
        """Record that a worker has a group: what tells running from asked. where: "host" and "process"."""
        page = self.pages[group.method]
        names = {one.name for one in page.in_flight()}
        page.started = {**{name: there for name, there in page.started.items() if name in names}, group.name: dict(where)}
        self.patiently(lambda again: self.storage.set_study_user_attr(page.study_id, STARTED, page.started))

    def in_flight(self) -> list[Group]:
        """Groups that were handed out and have not ended, in the order in which they were."""
        return sorted((group for page in self.pages.values() for group in page.in_flight()), key=lambda group: serial(group.name))

    def settle(self, group: Group, members: Sequence[Evidence]) -> None:
        """Record what the evidence of a group says of its configurations; those that have ended already stay as they are.

        A configuration that was pruned is never complete: with one objective its score at the rung goes to the sampler as Optuna has it,
        with several the sampler knows only that it was pruned, and counts it among the bad. Extra seeds change no objectives: a trial ends
        once, and the analysis reads all seeds from the evidence.

        Raises:
            ValueError: If members are missing in the evidence.
        """
        found = {configuration.number: _own(group, configuration, members) for configuration in group.configurations}
        if group.extra:
            self._record(group, "complete")
            return
        for number, own in found.items():
            scores = objectives(own)
            values = [scores[name] for name in self.study.objectives]
            if any(member.status == PRUNED for member in own):
                rungs = {max(member.epochs for member in own): values[0]} if len(values) == 1 else {}
                self._end(group.method, number, TrialState.PRUNED, rungs=rungs)
            else:
                self._end(group.method, number, TrialState.COMPLETE, values)

    def fail(self, group: Group, reason: str) -> None:
        """Record that the configurations of a group cannot be trained."""
        if group.extra:
            self._record(group, "failed", reason)
            return
        for configuration in group.configurations:
            entry = self.pages[group.method].entries[configuration.number]
            if entry.state == TrialState.RUNNING:
                self._note(entry, REASON, reason)
                entry.reason = reason
                self._end(group.method, configuration.number, TrialState.FAIL)

    def split(self, group: Group) -> tuple[Group, Group]:
        """Hand out a group again as two, under new names, so that no half meets the files of the whole."""
        first, second = (replace(half, name=self._next_name(group.method)) for half in group.halves())
        for half in (first, second):
            if group.extra:
                self._record(half, "running")
                continue
            for configuration in half.configurations:
                entry = self.pages[group.method].entries[configuration.number]
                self._note(entry, GROUP, half.name)
                entry.group = half.name
        if group.extra:
            self._record(group, "split")
        return first, second

    def _record(self, group: Group, state: str, reason: str = "") -> None:
        page = self.pages[group.method]
        record = record_of(group, state, reason)
        self.patiently(lambda again: self.storage.set_study_user_attr(page.study_id, f"{EXTRA}{group.name}", record))
        page.extras.pop(group.name, None)
        if state == "running":
            page.extras[group.name] = group
        if state == "failed":
            page.failed[group.name] = reason
        for configuration in group.configurations:
            page.entries[configuration.number].seeds.update(group.seeds)

    def _note(self, entry: Entry, key: str, value: str) -> None:
        self.patiently(lambda again: self.storage.set_trial_user_attr(entry.trial_id, key, value))

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
            self.patiently(lambda again, at=epoch, score=value: self.storage.set_trial_intermediate_value(entry.trial_id, at, score))
        self.patiently(lambda again: self._ended(entry, state, values, again=again))
        entry.state, entry.values = state, values
        if page.sampling:
            page.sampling.tell(number, state, values, rungs)

    def _ended(self, entry: Entry, state: TrialState, values: list[float] | None, *, again: bool) -> None:
        try:
            self.storage.set_trial_state_values(entry.trial_id, state, values)
        except UpdateFinishedTrialError:
            if not again:  # else the connection broke after the database had done it
                raise

    @property
    def complete(self) -> bool:
        """Whether every configuration of every budget has been asked with every seed, and has ended."""
        return all(
            len(page.entries) >= page.budget and not page.in_flight() and not page.lacking(self.study.seeds, 1)[1]
            for page in self.pages.values()
        )


def study_name(study: str, method: str) -> str:
    """Name of a method's Optuna study."""
    return f"{study}/{method}"


def check_version(mark: Mapping[str, Any], study: str) -> None:
    """Refuse a ledger that a later version of this program wrote.

    Raises:
        UserError: If it did.
    """
    found = mark.get("version", VERSION)
    if found > VERSION:
        raise UserError(f"{study}: its ledger has format {found}, and this program knows formats up to {VERSION}; upgrade altiplano")


def _own(group: Group, configuration: Configuration, members: Sequence[Evidence]) -> list[Evidence]:
    own = [member for member in members if member.configuration == configuration.number]
    missing = set(group.seeds) - {member.seed for member in own}
    if missing:
        raise ValueError(
            f"{group.name}'s evidence must hold every seed of configuration {configuration.number}, {sorted(missing)} are missing"
        )
    return own
