"""What to try next for one method: an Optuna sampler over a model of the ledger in memory.

The model repeats the ledger's trials within the space as it is now, so that a sampler of any kind can be asked without the database, and a
configuration can enter the ledger whole, in one transaction. It is rebuilt from the ledger whenever a study is opened.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import optuna
from optuna.samplers import BaseSampler, QMCSampler, RandomSampler, TPESampler
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.space import Space
from trainables.draws import stream

STARTUP = 10
"""Configurations drawn evenly before a model of the scores is worth having; Optuna's own default."""

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
        sampler: Name of the sampler.
        objectives: How many objectives, all to be maximised.
        seed: The study's seed; the point proposed depends on it, on the number asked and on what is known by then.
    """

    def __init__(self, space: Space, sampler: str, objectives: int, seed: int) -> None:
        self.space = space
        self.seed = seed
        self._make = SAMPLERS[sampler]
        self._storage = InMemoryStorage()
        self._model = optuna.create_study(storage=self._storage, study_name="model", directions=[StudyDirection.MAXIMIZE] * objectives)
        self._model_id = self._storage.get_study_id_from_name("model")
        self._places: dict[int, int] = {}
        self._seen: set[tuple[float, ...]] = set()

    def learn(self, trials: Iterable[FrozenTrial]) -> None:
        """Take in trials of the ledger, in order of their numbers."""
        for trial in trials:
            self._seen.add(_key(trial.params))
            fitting = self._fitted(trial)
            if fitting is not None:
                self._places[trial.number] = self._add(fitting)

    def propose(self, number: int) -> Point:
        """A configuration that there is not yet, to be number `number`."""
        for attempt in range(REPEATS):
            entropy = stream(self.seed, f"sampler/{self.space.name}", number, attempt)
            self._model.sampler = self._make(int(entropy.integers(2**31)), self.seed)
            trial = self._model.ask(self.space.distributions)
            if _key(trial.params) not in self._seen:
                self._remember(number, trial.number, trial.params)
                return Point(trial.params, _notes(self._storage.get_trial(self._id(trial.number)).system_attrs))
            self._model.tell(trial, state=TrialState.FAIL)
        params = self._unseen()
        place = self._add(create_trial(state=TrialState.RUNNING, params=params, distributions=self.space.distributions))
        self._remember(number, place, params)
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
        self._model.tell(place, values, state)

    def _id(self, place: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._model_id, place)

    def _add(self, trial: FrozenTrial) -> int:
        return self._storage.get_trial_number_from_id(self._storage.create_new_trial(self._model_id, trial))

    def _remember(self, number: int, place: int, params: Mapping[str, float]) -> None:
        self._places[number] = place
        self._seen.add(_key(params))

    def _fitted(self, trial: FrozenTrial) -> FrozenTrial | None:
        """The trial within the space as it is now, or None where it lies outside: the sampler then does not learn from it."""
        numbers = {**trial.user_attrs.get("numbers", {}), **trial.params}
        domains = self.space.domains
        if any(name not in numbers or numbers[name] not in domains[name] for name in self.space.distributions):
            return None
        params = {name: numbers[name] for name in self.space.distributions}
        return create_trial(
            state=trial.state,
            values=trial.values,
            params=params,
            distributions=self.space.distributions,
            system_attrs=trial.system_attrs,
            intermediate_values=trial.intermediate_values,
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


def tpe(seed: int, study_seed: int) -> BaseSampler:
    """Tree-structured Parzen estimators over all knobs together; configurations in flight count as bad, so that a group spreads out."""
    return TPESampler(seed=seed, n_startup_trials=STARTUP, n_ei_candidates=24, multivariate=True, group=False, constant_liar=True)


def random(seed: int, study_seed: int) -> BaseSampler:
    """Evenly over the space."""
    return RandomSampler(seed=seed)


def qmc(seed: int, study_seed: int) -> BaseSampler:
    """A scrambled Sobol sequence; its scrambling belongs to the study and its place to the number asked."""
    return QMCSampler(qmc_type="sobol", scramble=True, seed=study_seed, warn_asynchronous_seeding=False, warn_independent_sampling=False)


SAMPLERS: dict[str, Callable[[int, int], BaseSampler]] = {"tpe": tpe, "random": random, "qmc": qmc}


def _key(params: Mapping[str, float]) -> tuple[float, ...]:
    return tuple(params[name] for name in sorted(params))


def _notes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What a sampler left with a trial and reads again; TPE's note repeats the parameters."""
    return {key: value for key, value in attributes.items() if not key.startswith("tpe:")}
