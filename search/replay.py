"""A finished study as a tabulated benchmark: what another sampler, rung schedule or seed count would have met, without training.

A proposal is answered by the nearest configuration of its method that this replay has not used yet, where near is meant in the knobs' own
scale: the logarithm where a knob is searched on one, each range as wide as 1. A table holds no score between its rows, and a model fitted
to it would flatter the samplers that assume such a model; the nearest row is a score that was measured. The sampler is told the row's own
place, so that it learns nothing false. What this cannot tell: a sampler that closes in finer than the table is dense gets rows further off
than it asked for, so that all samplers end at the same whole table and good ones look closer to random than they are; compare them at a
part of the budget. Nothing beyond the table's ranges or epochs can be found.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from optuna.trial import TrialState, create_trial

from search.domain import Domain
from search.halving import survivors
from search.samplers import startup
from search.sampling import Point, Sampling
from search.space import Space
from trainables.draws import stream

Floats = NDArray[np.floating]


class Rows(NamedTuple):
    """The configurations of one method that were trained to the end.

    Attributes:
        space: What the study searches for it.
        keys: The C configurations' keys in the table.
        params: Values of the searched knobs of each.
        scores: (C, seeds, objectives), at the last epoch.
        course: (C, seeds, epochs, figures), larger is better: what halving goes by, as far as curves show it.
    """

    space: Space
    keys: list[int]
    params: list[dict[str, float]]
    scores: Floats
    course: Floats


class Rules(NamedTuple):
    """How a replay searches: sampler, rungs with the share that goes on at them, seeds of each configuration, configurations of a group."""

    sampler: str
    rungs: tuple[int, ...] = ()
    keep: float = 0.34
    seeds: int = 1
    group: int = 8


class Step(NamedTuple):
    """A configuration has ended.

    Attributes:
        key: The configuration.
        members, epochs: What it has cost: members begun, and epochs of all of them.
        seen: (objectives,), the mean that its seeds showed; None where it was dropped at a rung.
    """

    key: int
    members: int
    epochs: int
    seen: Floats | None


def replay(table: Sequence[Rows], rules: Rules, seed: int) -> Iterator[Step]:
    """Search the table once, methods taking turns a group at a time, until it is used up.

    Args:
        table: Each method's rows.
        rules: How to search.
        seed: Of the sampler, and of the seeds that are drawn from the table's.
    """
    searches = [_search(rows, rules, seed) for rows in table]
    while searches:
        for search in list(searches):
            group = next(search, None)
            if group is None:
                searches.remove(search)
            else:
                yield from group


def unlearned(table: Sequence[Rows], rules: Rules) -> list[str]:
    """Methods whose table ends before the sampler has left its start-up, in which it draws as `random` does."""
    totals = {rows.space.name: len(rows.keys) for rows in table if rows.space.distributions}
    return [name for name, total in totals.items() if total <= startup(rules.sampler, total)]


def places(space: Space, params: Sequence[dict[str, float]]) -> Floats:
    """(C, knobs): configurations in the knobs' own scales, each range from 0 to 1."""
    names = sorted(space.distributions)
    return np.array([[_place(space.domains[name], one[name]) for name in names] for one in params], float).reshape(len(params), len(names))


def _place(domain: Domain, value: float) -> float:
    if domain.values:
        return domain.values.index(value) / (len(domain.values) - 1)
    low, high = domain.low, domain.high
    return math.log(value / low) / math.log(high / low) if domain.knob.log else (value - low) / (high - low)


def _search(rows: Rows, rules: Rules, seed: int) -> Iterator[list[Step]]:
    total, objectives = len(rows.keys), rows.scores.shape[2]
    at, free = places(rows.space, rows.params), np.ones(total, bool)
    drawn = stream(seed, "replay/seeds").permutation(rows.scores.shape[1])[: rules.seeds]
    sampling = Sampling(rows.space, rules.sampler, objectives, seed, total) if rows.space.distributions else None
    for start in range(0, total, rules.group):
        numbers = range(start, min(start + rules.group, total))
        asked = [sampling.propose(number) if sampling else Point({}, {}) for number in numbers]
        chosen = []
        for point in asked:
            gaps = np.square(at - places(rows.space, [point.params])).sum(axis=1)
            chosen.append(int(np.where(free, gaps, np.inf).argmin()))
            free[chosen[-1]] = False
        steps = list(_train(rows, rules, np.array(chosen), drawn))
        for number, row, point, step in zip(numbers, chosen, asked, steps, strict=True):
            if sampling:
                _teach(sampling, rows, row, number, point, step)
        yield steps


def _train(rows: Rows, rules: Rules, chosen: NDArray[np.intp], drawn: NDArray[np.intp]) -> Iterator[Step]:
    """What one group comes to: halving as a study does it, where every member has trained the same epochs."""
    course = rows.course[chosen][:, drawn]
    whole = course.shape[2]
    ended, left = np.full(len(chosen), whole), np.arange(len(chosen))
    for rung in (rung for rung in sorted(rules.rungs) if rung < whole):
        stay = left[survivors(course[left, :, rung - 1], rules.keep)]
        ended[np.setdiff1d(left, stay)] = rung
        left = stay
    for row, epochs in zip(chosen, ended, strict=True):
        seen = rows.scores[row, drawn].mean(axis=0) if epochs == whole else None
        yield Step(rows.keys[row], len(drawn), int(epochs) * len(drawn), seen)


def _teach(sampling: Sampling, rows: Rows, row: int, number: int, point: Point, step: Step) -> None:
    """Put the row that answered in the place of what was proposed."""
    sampling.tell(number, TrialState.FAIL)
    trial = create_trial(
        state=TrialState.PRUNED if step.seen is None else TrialState.COMPLETE,
        values=None if step.seen is None else step.seen.tolist(),
        params=rows.params[row],
        distributions=rows.space.distributions,
        system_attrs=point.notes,
    )
    trial.number = number
    sampling.learn([trial])
