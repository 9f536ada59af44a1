"""Replays of a finished study beside its own course: from evidence to a table of best-so-far against what was spent."""

from collections.abc import Sequence
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from analysis import pareto
from analysis.findings import curves_of
from analysis.table import Table, load
from search.errors import UserError, nearest
from search.homes import find
from search.launch import status
from search.replay import Rows, Rules, Step, replay
from search.study import Study
from trainables.draws import stream

Floats = NDArray[np.floating]
LEAST = 8
"""Fewest configurations that are a benchmark."""

SHARES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
"""Parts of the study's epochs at which a search is judged."""

LEVEL = 0.95
"""Of the interval of a mean over repeats."""

DRAWS = 2000
"""Resamples behind an interval."""


class Benchmark(NamedTuple):
    """A finished study as a table.

    Attributes:
        rows: Each method's. objectives: Names. epochs: That the study has spent, on what it dropped too.
        truth: Mean over all seeds of every configuration, by key.
        own: The study's own course: its groups in the order in which they were asked.
        together: Configurations of its largest group.
    """

    rows: list[Rows]
    objectives: list[str]
    epochs: int
    truth: dict[int, Floats]
    own: list[Step]
    together: int = 8

    @property
    def seeds(self) -> int:
        """Seeds that every configuration has."""
        return self.rows[0].scores.shape[1]


def rules_of(sampler: str, halving: str | None, seeds: int, group: int) -> Rules:
    """The rules as the command line gives them; halving is RUNGS[:KEEP], as in 5,15:0.34.

    Raises:
        UserError: If one is at fault.
    """
    known = get_args(Study.model_fields["sampler"].annotation)
    if sampler not in known:
        raise UserError(f"--sampler must be one of {', '.join(known)}, got {sampler!r}; {nearest(sampler, known)}")
    if seeds < 1 or group < 1:
        raise UserError(f"--seeds and --together must be at least 1, got {seeds} and {group}")
    if not halving or halving == "none":
        return Rules(sampler, seeds=seeds, group=group)
    written, _, share = halving.partition(":")
    try:
        rungs, keep = tuple(int(rung) for rung in written.split(",")), float(share or 0.34)
    except ValueError:
        rungs, keep = (), 0.0
    if not rungs or min(rungs) < 1 or not 0 < keep < 1:
        raise UserError(f"--halving must be RUNGS or RUNGS:KEEP with epochs and a share, as in 5,15:0.34, got {halving!r}")
    return Rules(sampler, rungs, keep, seeds, group)


def benchmark(name: str, home: str) -> Benchmark:
    """A finished study as a table.

    Raises:
        UserError: If there is no such study, or it has too few finished configurations.
    """
    study, place = find(name, home)
    try:
        table = load(place.url)
    except ValueError as error:
        raise UserError(f"altiplano replay {name}: {error}") from error
    whole, every = table.configurations, sum(study.budget_of(method) for method in study.methods)
    if len(whole) < every and not _ended(name, home):
        raise UserError(f"{name}: a study must be finished to be replayed, has {len(whole)} of {every} configurations; resume it")
    keys = whole.index[whole["state"] == "complete"]
    if len(keys) < LEAST:
        raise UserError(f"{name}: a replay needs {LEAST} configurations trained to the end, found {len(keys)}; replay a larger study")
    return tabulated(study, table)


def _ended(name: str, home: str) -> bool:
    """Whether the ledger, if it is there, says that all have ended: what could not be trained has left no evidence."""
    try:
        return status(name, home).complete
    except UserError:
        return False


def tabulated(study: Study, table: Table) -> Benchmark:
    """The table of a study: what was trained to the end, with as many seeds as all have."""
    done = table.configurations[table.configurations["state"] == "complete"]
    seeds, objectives = int(done["seeds"].min()), [str(one) for one in study.objectives]
    members = table.members[table.members["scored"].to_numpy(bool)].sort_values(["key", "seed", "file", "row"])
    scores = {int(str(key)): part[objectives].to_numpy(float)[:seeds] for key, part in members.groupby("key")}
    curves, rows = curves_of(table, [int(key) for key in done.index]), []
    for method, space in study.spaces.items():
        params, keys = [], []
        for key in done.index[done["method"] == method]:
            values = {name: float(table.knobs.loc[key, name]) for name in space.distributions}  # pyright: ignore[reportArgumentType]
            if all(value in space.domains[name] for name, value in values.items()):
                params.append(values)
                keys.append(int(key))
        if keys:
            course = _course([curves[key] for key in keys], objectives, seeds, int(done["epochs"].max()))
            rows.append(Rows(space, keys, params, np.nan_to_num(np.stack([scores[key] for key in keys])), course))
    truth = {key: scored for row in rows for key, scored in zip(row.keys, row.scores.mean(axis=1), strict=True)}
    spent = members.groupby("key")["epochs"].sum()
    counts = table.configurations["seeds"].to_dict()
    own = [Step(key, int(counts[key]), int(spent[key]), truth.get(key)) for key in _as_asked(table)]
    together = int(members.groupby("file")["key"].nunique().max())
    return Benchmark(rows, objectives, int(sum(step.epochs for step in own)), truth, own, together)


def _as_asked(table: Table) -> list[int]:
    """Keys of the configurations, group by group: a group's name, and so its evidence's, ends with its number."""
    numbers = table.members["file"].map([_number(path) for path in table.paths].__getitem__)
    first = numbers.groupby(table.members["key"]).min()
    ordered = table.configurations.assign(asked=first).sort_values(["asked", "configuration"])
    return [int(key) for key in ordered.index]


def _number(path: str) -> int:
    written = path.rpartition("-")[2].partition(".")[0]
    return int(written) if written.isdigit() else 0


def _course(curves: Sequence[dict[str, Any]], objectives: Sequence[str], seeds: int, epochs: int) -> Floats:
    """(C, seeds, epochs, figures): curves of the objectives that have one, each gap filled with the value before it, 0 at the start."""
    names = [name for name in objectives if name != "stability"] or ["accuracy"]
    course = np.zeros((len(curves), seeds, epochs, len(names)))
    for place, found in enumerate(curves):
        for column, name in enumerate(names):
            for epoch in range(epochs):
                before = course[place, :, epoch - 1, column] if epoch else np.zeros(seeds)
                now = found[name][:seeds, epoch] if epoch < found[name].shape[1] else np.full(seeds, np.nan)
                course[place, :, epoch, column] = np.where(np.isfinite(now), now, before)
    return course


def best_so_far(bench: Benchmark, steps: Sequence[Step], at: Sequence[float]) -> tuple[Floats, Floats]:
    """(value, members) after so many epochs: what the best that a search has seen are worth over all seeds of the table.

    The best is the front by what the search saw; its worth is the hypervolume over the median of the table, as a share of the whole
    table's, or the objective itself where there is one. Nan until something has ended.
    """
    cost, count = np.cumsum([step.epochs for step in steps]), np.cumsum([step.members for step in steps])
    values, members = [], []
    for limit in at:
        ended = int(np.searchsorted(cost, limit, side="right"))
        known = [step for step in steps[:ended] if step.seen is not None]
        values.append(_worth(bench, known) if known else np.nan)
        members.append(float(count[ended - 1]) if ended else 0.0)
    return np.array(values), np.array(members)


def _worth(bench: Benchmark, known: Sequence[Step]) -> float:
    seen = np.array([step.seen for step in known], float)
    whole = np.array(list(bench.truth.values()))
    if whole.shape[1] == 1:
        return float(bench.truth[known[int(seen[:, 0].argmax())].key][0])
    best = np.array([bench.truth[step.key] for step, leads in zip(known, pareto.front(seen), strict=True) if leads])
    reference = np.median(whole, axis=0)
    total = pareto.hypervolume(whole, reference)
    return pareto.hypervolume(best, reference) / total if total else 0.0


def compared(bench: Benchmark, rules: Rules, repeats: int, seed: int = 0) -> list[dict[str, float]]:
    """One row a share of the study's epochs: the study's own best so far, and the replays' mean with its interval."""
    if rules.seeds > bench.seeds:
        raise UserError(f"--seeds must be at most {bench.seeds}, the seeds that every configuration of the study has, got {rules.seeds}")
    if repeats < 2:
        raise UserError(f"--repeats must be at least 2, or there is no interval, got {repeats}")
    at = [share * bench.epochs for share in SHARES]
    found = [best_so_far(bench, list(replay(bench.rows, rules, seed + repeat)), at) for repeat in range(repeats)]
    values = np.array([one for one, _ in found])
    mean, (low, high) = values.mean(axis=0), interval(values)
    own, own_members = best_so_far(bench, bench.own, at)
    members = np.mean([count for _, count in found], axis=0)
    names = ("epochs", "own_members", "own", "members", "mean", "low", "high")
    columns = np.column_stack([at, own_members, own, members, mean, low, high])
    return [dict(zip(names, row.tolist(), strict=True)) for row in columns]


def interval(values: Floats) -> Floats:
    """(2, points): bootstrap interval of the mean over repeats (repeats, points); unlike Student's it stays within what a share can be."""
    rows = stream(0, "replay/interval").integers(len(values), size=(DRAWS, len(values)))
    return np.quantile(values[rows].mean(axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
