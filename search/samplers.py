"""The samplers that a study may name, every argument that matters set openly.

A sampler is made anew for each configuration asked, from a seed that the study's seed and the configuration's number give: so a search that
was stopped goes on without repeating a point, and what is proposed depends on nothing but the ledger.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from trainables.draws import stream

STARTUP = 10
"""Configurations drawn evenly before a model of the scores is worth having; Optuna's own default."""

POPULATION = 50
"""Most configurations of a generation of nsga2; a fifth of the budget where that is less, so that there are generations."""

SCALAR = frozenset({"cmaes"})
"""Samplers that know one objective only: they get the mean of a study's objectives, all of which lie in [0, 1]."""


class Asked(NamedTuple):
    """What a sampler is made for.

    Attributes:
        method: Name of the method.
        number: Number of the configuration.
        attempt: 0, or how many proposals were points that there are already.
        seed: The study's seed.
        budget: How many configurations there are to be.
        distributions: The searched knobs.
    """

    method: str
    number: int
    attempt: int
    seed: int
    budget: int
    distributions: Mapping[str, BaseDistribution]

    @property
    def own_seed(self) -> int:
        """The seed of this proposal."""
        return int(stream(self.seed, f"sampler/{self.method}", self.number, self.attempt).integers(2**31))


def sampler(name: str, asked: Asked) -> BaseSampler:
    """The sampler of this name for one proposal.

    `tpe` models all knobs together and takes configurations in flight for bad ones, so that the configurations of a group spread out;
    `gp` takes them into account as well. `qmc` and `random` depend on the number asked alone.
    """
    seed = asked.own_seed
    match name:
        case "tpe":
            return Tpe(asked, seed)
        case "gp":
            return GPSampler(seed=seed, n_startup_trials=STARTUP, deterministic_objective=False, warn_independent_sampling=False)
        case "nsga2":
            return NSGAIISampler(seed=seed, population_size=startup(name, asked.budget), crossover_prob=0.9, swapping_prob=0.5)
        case "cmaes":
            return CmaEsSampler(seed=seed, n_startup_trials=1, consider_pruned_trials=False, warn_independent_sampling=False)
        case "qmc" if asked.attempt == 0:
            return Sobol(asked)
        case _:
            return RandomSampler(seed=seed)


def startup(name: str, budget: int) -> int:
    """How many configurations a sampler draws evenly before it learns from scores; 0 where it never learns, or does so from the first."""
    return {"tpe": STARTUP, "gp": STARTUP, "nsga2": max(4, min(POPULATION, budget // 5))}.get(name, 0)


class Tpe(TPESampler):
    """Optuna's, told which knobs it models: it would look through all trials anew at each proposal to find what they have in common."""

    def __init__(self, asked: Asked, seed: int) -> None:
        super().__init__(seed=seed, n_startup_trials=STARTUP, n_ei_candidates=24, multivariate=True, group=False, constant_liar=True)
        self.asked = asked

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All searched knobs, in the order in which Optuna would find them, once there is a trial to learn from."""
        if not study._get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED), use_cache=True):  # noqa: SLF001 Optuna's samplers ask so, and the public way copies every trial
            return {}
        return {name: self.asked.distributions[name] for name in sorted(self.asked.distributions)}


class Sobol(BaseSampler):
    """The asked number's point of a scrambled Sobol sequence; the scrambling belongs to the study.

    Optuna's own keeps its place in the study's storage and draws the first point evenly; this one needs neither.

    References:
        Owen 1998, "Scrambling Sobol' and Niederreiter-Xing points", as scipy has it.
    """

    def __init__(self, asked: Asked) -> None:
        self.asked = asked

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All searched knobs."""
        return dict(self.asked.distributions)

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> dict[str, Any]:
        """The point."""
        from scipy.stats import qmc  # half a second that no other sampler needs

        names = sorted(search_space)
        sequence = qmc.Sobol(len(names), scramble=True, rng=stream(self.asked.seed, f"sobol/{self.asked.method}"))
        if self.asked.number:
            sequence.fast_forward(self.asked.number)
        point = sequence.random(1)[0]
        return {name: quantile(search_space[name], share) for name, share in zip(names, point, strict=True)}

    def sample_independent(self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution) -> Any:
        """Never asked, since `sample_relative` leaves no knob out."""
        return quantile(param_distribution, 0.5)


def quantile(distribution: BaseDistribution, share: float) -> float:
    """The value below which a share of the distribution lies; every listed value has an equal share.

    Raises:
        TypeError: If the distribution is of a kind that no knob has.
    """
    match distribution:
        case FloatDistribution(low=low, high=high, log=True):
            return float(min(max(low * (high / low) ** share, low), high))
        case FloatDistribution(low=low, high=high):
            return float(low + share * (high - low))
        case CategoricalDistribution(choices=choices):
            chosen = choices[int(share * len(choices))]
            return float(chosen)  # pyright: ignore[reportArgumentType] the values of a knob are numbers
        case _:
            raise TypeError(f"a knob is a float or a choice of numbers, got {distribution}")
