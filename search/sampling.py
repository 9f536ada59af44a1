"""What to try next for one method: an Optuna sampler over a model of the ledger in memory.

The model repeats the ledger's trials within the space as it is now, so that a sampler of any kind can be asked without the database, and a
configuration can enter the ledger whole, in one transaction. It is rebuilt from the ledger whenever a study is opened.
"""

import itertools
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.samplers import SCALAR, Asked, sampler
from search.space import Space

REPEATS = 20
"""How often a sampler may propose a configuration that there is already, before one is taken that there is not."""


class Point(NamedTuple):
    """A configuration to try: the searched knobs, and what the sampler wants to find with it again."""

    params: dict[str, float]
    notes: dict[str, Any]


class Sampling:
    """The sampler of one method and what it knows.

    Args:
        space: What is searched; at least one knob must be free.
        name: Name of the sampler.
        objectives: How many objectives, all to be maximised.
        seed: The study's seed.
        budget: How many configurations there are to be.
    """

    def __init__(self, space: Space, name: str, objectives: int, seed: int, budget: int) -> None:
        self.space, self.name, self.seed, self.budget = space, name, seed, budget
        self._storage = InMemoryStorage()
        directions = [StudyDirection.MAXIMIZE] * (1 if name in SCALAR else objectives)
        self._model = optuna.create_study(storage=self._storage, study_name="model", directions=directions)
        self._model_id = self._storage.get_study_id_from_name("model")
        self._places: dict[int, int] = {}
        self._seen: set[tuple[float, ...]] = set()

    @property
    def known(self) -> int:
        """How many configurations of this study the sampler takes into account."""
        return len(self._places)

    def learn(self, trials: Iterable[FrozenTrial], *, foreign: bool = False) -> None:
        """Take in trials: this study's in order of their numbers, or an earlier study's, which may be tried again.

        Those that lie outside the space as it is now are passed over.
        """
        for trial in trials:
            fitting = self._fitted(trial)
            place = self._add(fitting) if fitting is not None else None
            if foreign:
                continue
            self._seen.add(_key(trial.params))
            if place is not None:
                self._places[trial.number] = place

    def propose(self, number: int) -> Point:
        """A configuration that there is not yet, to be number `number`."""
        for attempt in range(REPEATS):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)
                asked = Asked(self.space.name, number, attempt, self.seed, self.budget, self.space.distributions)
                self._model.sampler = sampler(self.name, asked)
                trial = self._model.ask(self.space.distributions)
            if _key(trial.params) not in self._seen:
                self._remember(number, trial.number, trial.params)
                return Point(trial.params, _notes(self._storage.get_trial(self._id(trial.number)).system_attrs))
            self._model.tell(trial, state=TrialState.FAIL)
        params = self._unseen()
        self._remember(number, self._add(self._frozen(TrialState.RUNNING, params)), params)
        return Point(params, {})

    def tell(self, number: int, state: TrialState, values: Sequence[float] | None = None, rungs: Mapping[int, float] | None = None) -> None:
        """Let the sampler know how a configuration ended.

        Args:
            number: The configuration's number.
            state: How it ended.
            values: Its objectives, where it is complete.
            rungs: Epoch to score where it was pruned and there is one objective.
        """
        if number not in self._places:
            return
        place = self._places[number]
        for epoch, value in (rungs or {}).items():
            self._storage.set_trial_intermediate_value(self._id(place), epoch, value)
        self._model.tell(place, self._values(values), state)

    def _values(self, values: Sequence[float] | None) -> list[float] | None:
        if values is None:
            return None
        return [sum(values) / len(values)] if self.name in SCALAR else list(values)

    def _add(self, trial: FrozenTrial) -> int:
        return self._storage.get_trial_number_from_id(self._storage.create_new_trial(self._model_id, trial))

    def _id(self, place: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._model_id, place)

    def _remember(self, number: int, place: int, params: Mapping[str, float]) -> None:
        self._places[number] = place
        self._seen.add(_key(params))

    def _fitted(self, trial: FrozenTrial) -> FrozenTrial | None:
        """The trial within the space as it is now, or None where it lies outside."""
        numbers = {**trial.user_attrs.get("numbers", {}), **trial.params}
        if any(name not in numbers or numbers[name] not in self.space.domains[name] for name in self.space.distributions):
            return None
        params = {name: numbers[name] for name in self.space.distributions}
        values = self._values(trial.values) if trial.state == TrialState.COMPLETE else None
        return self._frozen(trial.state, params, values, trial)

    def _frozen(
        self, state: TrialState, params: dict[str, float], values: list[float] | None = None, like: FrozenTrial | None = None
    ) -> FrozenTrial:
        return create_trial(
            state=state,
            values=values,
            params=params,
            distributions=self.space.distributions,
            system_attrs=like.system_attrs if like else None,
            intermediate_values=like.intermediate_values if like else None,
        )

    def _unseen(self) -> dict[str, float]:
        """The first configuration of a finite space that there is not yet.

        Raises:
            ValueError: If there is none left.
        """
        listed = {name: self.space.domains[name].values for name in sorted(self.space.distributions)}
        for values in itertools.product(*listed.values()):
            if values not in self._seen:
                return dict(zip(listed, values, strict=True))
        raise ValueError(f"{self.space.name} has no configuration left to try; its budget must not exceed {self.space.points:g}")


def _key(params: Mapping[str, float]) -> tuple[float, ...]:
    return tuple(params[name] for name in sorted(params))


def _notes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What a sampler left with a trial and reads again; TPE's note repeats the parameters."""
    return {key: value for key, value in attributes.items() if not key.startswith("tpe:")}
