"""The race of `confirm`: which configurations get more fresh seeds, and when to stop. A pure rule; search runs what it asks for.

Explore with few seeds, then give fresh seeds to the few that could be best, and drop those that no longer can be. Only fresh seeds on the
test split enter the race, so that the luck by which a configuration was chosen is left behind.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis import chances, statistics
from analysis.ranking import FAILING, Ranking
from analysis.summary import WEIGHTS, Figure, figure_of, weights_checked
from analysis.table import Table
from trainables.draws import stream
from trainables.evidence import FAILED

Floats = NDArray[np.floating]
Entry = tuple[str, int]
"""A configuration: method and number."""


class Rules(NamedTuple):
    """When to drop and when to stop.

    Attributes:
        first: Fresh seeds of every entrant before anything is judged. step: seeds a round after that.
        drop: A configuration below this P(best) gets no more seeds. stop: The race ends when one reaches this P(best).
        tie: The race ends when the survivors' shrunken means lie within this share of each other: .1 point.
        fewest: Least number of entrants.
    """

    first: int = 5
    step: int = 2
    drop: float = 0.01
    stop: float = 0.9
    tie: float = 0.001
    fewest: int = 5


class Round(NamedTuple):
    """What to do next.

    Attributes:
        seeds: Fresh seeds to run for each configuration still in the race; empty when the race is over.
        dropped: Configurations that were in the race and no longer can be best.
        best: P(best) by configuration, of all entrants that have been judged; empty where one fresh seed each tells of no spread.
        over: Why the race is over, in words; empty while it goes on.
    """

    seeds: dict[Entry, int]
    dropped: tuple[Entry, ...]
    best: dict[Entry, float]
    over: str


RULES = Rules()


def entrants(ranked: Ranking, top: int | None = None, rules: Rules = RULES) -> list[Entry]:
    """Configurations to confirm: `top` of them, by default max(5, twice the indistinguishable set), in order of rank.

    Those that the rule set aside do not race. ERM's reference is always there, beyond the number where need be: the confirmed figures are
    judged against it.
    """
    frame = ranked.frame[ranked.frame["kept"]] if ranked.frame["kept"].any() else ranked.frame
    wanted = max(rules.fewest, 2 * int(frame["indistinguishable"].sum())) if top is None else top
    keys = [int(str(key)) for key in frame.index[:wanted]]
    if ranked.baseline is not None and ranked.baseline not in keys:
        keys.append(ranked.baseline)
    methods, numbers = ranked.frame["method"], ranked.frame["configuration"]
    return [(str(methods.loc[key]), int(numbers.loc[key])) for key in keys]


def representatives(ranked: Ranking) -> list[Entry]:
    """Each method's best configuration, ERM's reference among them, in order of rank: who is held side by side where nobody drops out."""
    frame = ranked.frame.groupby("method", sort=False).head(1)
    return [(str(method), int(number)) for method, number in zip(frame["method"], frame["configuration"], strict=True)]


def fresh(
    table: Table | None, entries: Sequence[Entry], weights: Mapping[str, float] = WEIGHTS
) -> tuple[dict[Entry, Floats], dict[Entry, int]]:
    """Fresh seeds so far: (utilities (k,) of every entrant, failed seeds of those that have some).

    Args:
        table: The test split's table, `load(...).confirmed`; None before the first round.
        entries: Who races.
        weights: Of mean and tail in the utility.
    """
    scores: dict[Entry, Floats] = {entry: np.zeros(0) for entry in entries}
    failures: dict[Entry, int] = {}
    if table is None:
        return scores, failures
    weights = weights_checked(weights)
    members = table.members[table.members["scored"]].sort_values("seed")
    utility = weights["mean"] * members["accuracy"] + weights["tail"] * members["tail"]
    for _, part in members.groupby("key"):
        entry = str(part["method"].iloc[0]), int(part["configuration"].iloc[0])
        if entry in scores:
            scores[entry] = utility.loc[part.index].to_numpy(float)
            failed = int(part["status"].isin(FAILED).sum())
            failures.update({entry: failed} if failed else {})
    return scores, failures


def next_round(
    scores: Mapping[Entry, Floats],
    budget: int,
    dropped: frozenset[Entry] = frozenset(),
    failures: Mapping[Entry, int] = MappingProxyType({}),
    rules: Rules = RULES,
) -> Round:
    """Decide the next round from the fresh utilities so far.

    Args:
        scores: Utility of each fresh seed on the test split, (k,), of every entrant; empty at the start. A diverged seed counts at
            chance level.
        budget: Fresh members that may still be trained.
        dropped: Entrants dropped in earlier rounds; what is dropped stays dropped.
        failures: Diverged seeds of those that have some; they are dropped if the upper bound of their failure rate reaches 20 %.
        rules: When to drop and when to stop.
    """
    inside = [entry for entry in scores if entry not in dropped]
    short = {entry: rules.first - len(scores[entry]) for entry in inside if len(scores[entry]) < rules.first}
    if short:
        return _affordable(short, (), {}, budget)
    failed = np.array([failures.get(entry, 0) for entry in scores], float)
    figure, seeds = _judged([scores[entry] for entry in scores], failed)
    known = bool((figure.df > 0).all())  # not with one fresh seed each: nobody is better by a number without a spread
    best = dict(zip(scores, _chances(figure, seeds).tolist(), strict=True)) if known else {}
    failing = (failed > 0) & (statistics.failure_bound(failed, seeds) >= FAILING)
    unsound = {entry for entry, found in zip(scores, failing.tolist(), strict=True) if found}
    out = tuple(entry for entry in inside if entry in unsound or best.get(entry, 1.0) < rules.drop)
    going = [entry for entry in inside if entry not in out]
    over = _over(going, best, dict(zip(scores, figure.shrunk.tolist(), strict=True)), rules)
    if over:
        return Round({}, out, best, over)
    return _affordable(dict.fromkeys(going, rules.step), out, best, budget)


def _affordable(wanted: dict[Entry, int], out: tuple[Entry, ...], best: dict[Entry, float], budget: int) -> Round:
    """A round as far as the budget goes, whole rounds first: all or one seed fewer each, never some configurations only."""
    while wanted and sum(wanted.values()) > budget:
        wanted = {entry: seeds - 1 for entry, seeds in wanted.items() if seeds > 1}
    return Round(wanted, out, best, "" if wanted else "the budget is spent")


def _over(going: list[Entry], best: dict[Entry, float], means: dict[Entry, float], rules: Rules) -> str:
    if len(going) <= 1:
        return "one configuration is left" if going else "none is left: those that could be best failed too often"
    if not best:
        return ""
    leader = max(going, key=lambda entry: best[entry])
    if best[leader] >= rules.stop:
        return f"{leader[0]} {leader[1]} is best with probability {best[leader]:.2f}"
    if max(means[entry] for entry in going) - min(means[entry] for entry in going) <= rules.tie:
        return f"the {len(going)} left lie within {100 * rules.tie:g} point of each other"
    return ""


def _judged(scores: list[Floats], failed: Floats) -> tuple[Figure, Floats]:
    seeds = np.array([len(values) for values in scores], float)
    place = np.repeat(np.arange(len(scores)), seeds.astype(int))
    return figure_of(np.concatenate(scores), place, seeds, failed, np.zeros(len(scores), np.intp)), seeds


def _chances(figure: Figure, seeds: Floats) -> Floats:
    rows = np.arange(len(seeds))
    source = stream(0, "joint draws of a race", int(seeds.sum()))
    draws = chances.posterior(figure, seeds, rows, source.standard_normal((chances.DRAWS, len(seeds))), source)
    return np.bincount(draws.argmax(1), minlength=len(seeds)) / chances.DRAWS
