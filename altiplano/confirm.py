"""Confirm: the best few race with fresh seeds on the test split until one is clearly best, they tie, or the budget ends.

Or, where methods are to be compared, each method's best is trained with the same fresh seeds and nobody drops out. The analysis decides
who gets more seeds, the search trains them, round by round; every round begins from what the evidence says, so a race that was stopped
goes on where it was.
"""

from collections.abc import Callable, Mapping

import search
from analysis import racing
from analysis.racing import Entry, Round
from analysis.ranking import Ranking, ranking
from analysis.summary import WEIGHTS
from analysis.table import load
from search.errors import UserError
from search.fresh import FRESH
from search.homes import find
from search.run import Outcome, Watcher

Say = Callable[[str], None]


def race(
    name: str,
    home: str,
    top: int | None,
    seeds: int | None,
    rule: str,
    ledger: str | None,
    address: str | None,
    watcher: Watcher,
    say: Say,
    weights: Mapping[str, float] = WEIGHTS,
) -> Outcome | None:
    """Run the race to its end; None if it had ended before.

    Args:
        name, home, ledger, address, watcher: As in `search.launch`.
        top: Entrants, ERM beside them; by default the study file's, and where that says nothing as many as `racing.entrants` holds right.
        seeds: Most fresh seeds of an entrant; by default the study file's.
        rule: The ranking's rule, by which entrants are chosen.
        say: Is told who races, each round and the end.
        weights: Of mean and tail in the utility, by which they are chosen and race.

    Raises:
        UserError: If there is no such study, or nothing that could be ranked.
    """
    study, place = find(name, home)
    entrants = racing.entrants(_ranked(name, place.url, rule, weights), top or study.confirm.top)
    most = seeds or study.confirm.seeds
    budget = most * len(entrants)
    say(f"{len(entrants)} configurations race, with {budget} members on the test split at most; --top sets how many")
    rules = racing.RULES._replace(first=min(racing.RULES.first, most))
    dropped: frozenset[Entry] = frozenset()
    outcome = None
    while True:
        scores, failures = racing.fresh(load(place.url).confirmed, entrants, weights)
        spent = sum(len(values) for values in scores.values())
        next_one = racing.next_round(scores, budget - spent, dropped, failures, rules)
        dropped |= frozenset(next_one.dropped)
        if not next_one.seeds:
            say(f"the race is over: {next_one.over}")
            return outcome
        say(announced(next_one, len(entrants)))
        wanted = {entry: range(FRESH, FRESH + len(scores[entry]) + more) for entry, more in next_one.seeds.items()}
        outcome = search.confirm(name, wanted, home, ledger=ledger, address=address, watcher=watcher)
        if outcome.stopped:
            return outcome
        now = racing.fresh(load(place.url).confirmed, entrants)[0]
        lost = [entry for entry in next_one.seeds if len(now[entry]) == len(scores[entry])]
        if len(lost) == len(next_one.seeds):
            raise search.SearchFailed(f"{name}: no member of this round could be trained; `altiplano status {name}` says why")
        for method, number in lost:
            say(f"out: {method} {number}, which could not be trained; `altiplano status {name}` says why")
        dropped |= frozenset(entry for entry in lost if len(now[entry]))
        entrants = [entry for entry in entrants if entry not in lost or len(now[entry])]


def each(
    name: str,
    home: str,
    seeds: int | None,
    rule: str,
    ledger: str | None,
    address: str | None,
    watcher: Watcher,
    say: Say,
    weights: Mapping[str, float] = WEIGHTS,
) -> Outcome | None:
    """Train each method's best with the same fresh seeds, which compares methods where a race only looks for the best; None if done before.

    Arguments and errors are those of `race`. What was trained by a race counts.
    """
    study, place = find(name, home)
    entrants = racing.representatives(_ranked(name, place.url, rule, weights))
    most = seeds or study.confirm.seeds
    scores, _ = racing.fresh(load(place.url).confirmed, entrants)
    lacking = sum(max(0, most - len(values)) for values in scores.values())
    if not lacking:
        say(f"the best of each of {len(entrants)} methods has {most} fresh seeds")
        return None
    say(f"the best of each of {len(entrants)} methods: {lacking} more members on the test split")
    wanted = {entry: range(FRESH, FRESH + most) for entry in entrants}
    return search.confirm(name, wanted, home, ledger=ledger, address=address, watcher=watcher)


def _ranked(name: str, url: str, rule: str, weights: Mapping[str, float]) -> Ranking:
    try:
        return ranking(load(url), rule, weights)
    except ValueError as error:
        raise UserError(f"altiplano confirm {name}: {error}") from error


def announced(one: Round, entrants: int) -> str:
    """A round in one line."""
    out = f"; out: {', '.join(f'{method} {number}' for method, number in one.dropped)}" if one.dropped else ""
    return f"{len(one.seeds)} of {entrants} configurations, {sum(one.seeds.values())} more members on the test split{out}"
