"""The ranking: named rules that put configurations in order, with the chances of their ranks.

`guarantee`, the default, asks what a retraining with a new seed would at least give; the other rules look at one figure, or at the
front of all three, or, openly, at the test split.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import chances, pareto, statistics
from analysis.chances import Chances
from analysis.summary import USEFULNESS, WEIGHTS, Summary, summarise
from analysis.table import BASELINE, FIGURES, Table

Floats = NDArray[np.floating]

RULES = {
    "guarantee": "the utility that a retraining with a new seed exceeds with chance .95, among those whose tail holds up against ERM",
    "mean": "mean accuracy, shrunken towards the other configurations",
    "tail": "tail score, shrunken towards the other configurations",
    "stability": "agreement of two retrainings, 1 - churn, shrunken towards the other configurations",
    "pareto": "chance that no other configuration is better in accuracy, tail and stability at once",
    "oracle": "utility on the test split: the test split is read to choose, so its figures are no longer an honest forecast",
}

MARGIN = 0.01
"""delta: how much below ERM a tail may lie and still hold up; one point (ours)."""

HOLDS = 0.8
"""Least P(tail_c >= tail_ERM - delta)."""

FAILING = 0.2
"""Failure rate that the upper bound of a configuration with a failed seed must stay below."""

TOP = 5
"""k of P(top k)."""


class Ranking(NamedTuple):
    """A ranking with all that led to it; `frame` is what users see, in rank order, indexed by the configuration's key."""

    frame: pd.DataFrame
    summary: Summary
    chances: Chances
    rule: str
    weights: dict[str, float]
    baseline: int | None


def rank(table: Table, rule: str = "guarantee", weights: Mapping[str, float] = WEIGHTS, margin: float = MARGIN) -> pd.DataFrame:
    """Rank a study's configurations.

    Args:
        table: What `load` read.
        rule: One of `RULES`.
        weights: Of mean and tail in the utility; scaled to sum 1.
        margin: delta of the tail filter, as a share.

    Returns:
        One row a configuration trained to the end, best first. Shares in [0, 1]; `*_low` and `*_high` are 95 % intervals of the mean over
        retrainings; `guarantee` is the lower bound of the utility; nan stands where few seeds, or failed ones alone, allow no statement.

    Raises:
        ValueError: If the rule is unknown, the weights make no sense, or nothing was trained to the end.
    """
    return ranking(table, rule, weights, margin).frame


def ranking(table: Table, rule: str = "guarantee", weights: Mapping[str, float] = WEIGHTS, margin: float = MARGIN) -> Ranking:
    """`rank` with what led to it."""
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}, got {rule!r}")
    if rule == "oracle" and table.split != "test":
        if table.confirmed is None:
            raise ValueError(
                "rule oracle reads the test split, and this study has no evidence on it; run confirm first or choose another rule"
            )
        table = table.confirmed
    summary = summarise(table, weights)
    baseline = reference(summary)
    tail = summary.figures["tail"]
    holds = np.full(len(tail.mean), np.nan) if baseline is None else chances.reaches(tail, summary.seeds, baseline, margin)
    reason = _reasons(summary, holds)
    kept = (reason == "") if rule == "guarantee" else np.ones(len(reason), bool)
    figure = chances.OF_RULE[rule]
    rows = chances.drawn(summary, kept, figure)
    draws = chances.draw(summary, rows)
    found = chances.chances(draws[figure], rows, len(reason), TOP)
    on_front = _front_chance(summary, draws, rows)
    frame = _frame(table, summary, found).assign(front=on_front, tail_holds=holds, kept=kept, reason=reason)
    order = np.lexsort((frame.index.to_numpy(), *reversed(criteria(frame, rule, kept))))
    frame = frame.iloc[order]
    frame.insert(0, "rank", np.arange(1, len(frame) + 1))
    return Ranking(frame, summary, found, rule, summary.weights, None if baseline is None else int(summary.configurations.index[baseline]))


def reference(summary: Summary) -> int | None:
    """Position of the ERM configuration that others are held against: the one of highest utility; None without ERM."""
    rows = np.flatnonzero((summary.configurations["method"] == BASELINE).to_numpy())
    return int(rows[np.argmax(summary.figures[USEFULNESS].shrunk[rows])]) if len(rows) else None


def criteria(frame: pd.DataFrame, rule: str, kept: NDArray[np.bool_]) -> list[Floats]:
    """Sort keys, most important first, smaller better. Of those set aside, who failed least comes first.

    Where the spread is unknown, or shrinkage made all alike, the plain mean decides; hence the rounding.
    """
    utility = ["utility_shrunk", "utility"]
    names = {
        "guarantee": ["guarantee", *utility],
        "oracle": utility,
        "pareto": ["front", *utility],
        "mean": ["accuracy_shrunk", "accuracy"],
        "tail": ["tail_shrunk", "tail"],
        "stability": ["stability_shrunk", "stability", *utility],
    }[rule]
    failed = (frame["failures"] / frame["seeds"]).to_numpy(float)
    return [np.where(kept, 0.0, 1.0), np.where(kept, 0.0, failed), *(-_or(frame[name].to_numpy(float), -1.0).round(9) for name in names)]


def _or(values: Floats, instead: float) -> Floats:
    return np.where(np.isfinite(values), values, instead)


def _reasons(summary: Summary, holds: Floats) -> NDArray[np.str_]:
    """Why the guarantee rule sets a configuration aside, in words; empty where it does not.

    The failure bound decides only where a seed did fail: with fewer than nine seeds it exceeds 20 % for want of seeds alone (ours).
    """
    bound = statistics.failure_bound(summary.failures, summary.seeds)
    failing = (summary.failures > 0) & (bound >= FAILING)
    texts = np.full(len(bound), "", dtype=object)
    texts[holds < HOLDS] = "tail may fall below ERM's"
    texts[failing] = [f"{int(f)} of {int(k)} seeds failed" for f, k in zip(summary.failures[failing], summary.seeds[failing], strict=True)]
    return texts.astype(str)


def _front_chance(summary: Summary, draws: dict[str, Floats], rows: NDArray[np.intp]) -> Floats:
    """P(non-dominated) over (accuracy, tail, stability), from every fourth draw; nan where a figure is unknown."""
    found = np.full(len(summary.seeds), np.nan)
    figures = [summary.figures[name] for name in FIGURES]
    known = np.all([np.isfinite(figure.shrunk[rows]) & (figure.df[rows] > 0) for figure in figures], axis=0)
    inside = rows[known]
    if len(inside):
        means = np.stack([figure.shrunk[inside] for figure in figures], axis=1)
        deviations = np.sqrt(np.nan_to_num(np.stack([figure.shrunk_variance[inside] for figure in figures], axis=1)))
        sample = np.stack([draws[name][::4][:, known] for name in FIGURES], axis=2)
        found[inside] = pareto.chance_of_front(sample, means - pareto.CERTAIN * deviations, means + pareto.CERTAIN * deviations)
    return found


def _frame(table: Table, summary: Summary, found: Chances) -> pd.DataFrame:
    frame = summary.configurations[["method", "configuration", "seeds", "failures", "seconds"]].copy()
    frame["knobs"] = _knob_texts(table, frame)
    for name in (*FIGURES, USEFULNESS):
        figure = summary.figures[name]
        frame[name] = figure.mean
        frame[f"{name}_low"], frame[f"{name}_high"] = np.clip(figure.mean - figure.half, 0, 1), np.clip(figure.mean + figure.half, 0, 1)
        frame[f"{name}_shrunk"] = figure.shrunk
        frame[f"{name}_sd"] = np.sqrt(figure.variance)
        # A score is never below 0; and seeds that all failed agree on chance level, which guarantees nothing.
        frame[f"{name}_guarantee"] = np.where(summary.failures < summary.seeds, np.maximum(figure.lower, 0.0), np.nan)
    frame = frame.rename(columns={f"{USEFULNESS}_guarantee": "guarantee"})
    spread = {
        "p_best": found.best,
        f"p_top{found.size}": found.top,
        "rank_expected": found.expected,
        "rank_low": found.low,
        "rank_high": found.high,
    }
    return frame.assign(
        **spread, indistinguishable=found.indistinguishable, failure_bound=statistics.failure_bound(summary.failures, summary.seeds)
    )


def _knob_texts(table: Table, frame: pd.DataFrame) -> list[str]:
    """The knobs that the search turned, as `name value` words; those that no method varies are left to the study file."""
    knobs = table.knobs.reindex(frame.index)
    texts = np.full(len(frame), "", dtype=object)
    for method, turned in table.turned.items():
        names = [name for name in turned if name in knobs.columns]  # confirmed evidence holds some of the methods only
        rows = knobs.loc[(frame["method"] == method).to_numpy(), names].to_numpy(float)
        texts[(frame["method"] == method).to_numpy()] = [
            ", ".join(f"{name} {value:.3g}" for name, value in zip(names, row, strict=True)) for row in rows.tolist()
        ]
    return texts.tolist()
