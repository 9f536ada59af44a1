"""The sections of the report, in reading order; each function makes one, or None where the study has nothing to show for it."""

import numpy as np
import pandas as pd
import yaml

from analysis import reading, words
from analysis.figures import curves, front, knobs, style
from analysis.page import Column, Row, Section, Sheet
from analysis.ranking import RULES, Ranking
from analysis.table import BASELINE, Table

SHOWN = 25
"""Rows of the ranking on the page; the complete table lies beside it."""


def every(table: Table, ranked: Ranking) -> list[Section]:
    """All sections that this study has something to show for."""
    looks = style.looks(table.methods, BASELINE)
    found = [order(ranked), fronts(ranked, looks), turned(table, ranked, looks), learning(table, ranked, looks), again(table)]
    return [section for section in found if section is not None]


def tables(table: Table, ranked: Ranking) -> dict[str, pd.DataFrame]:
    """The complete tables beside the page, by file name."""
    numbers = table.knobs.reindex(ranked.frame.index).add_prefix("knob_")
    return {"ranking": pd.concat([ranked.frame, numbers], axis=1)}


def order(ranked: Ranking) -> Section:
    """The ranking with its intervals."""
    columns = [
        Column("#"),
        Column("configuration", kind="heading"),
        Column("guarantee", "%"),
        Column("mean", "%, 95 % interval"),
        Column("tail", "%, 95 % interval"),
        Column("stability", "%, 95 % interval"),
        Column("P(best)"),
        Column("rank", "5 – 95 %"),
        Column("seeds", "failed"),
        Column("cost"),
    ]
    rows = [_ranked(row) for _, row in ranked.frame.head(SHOWN).iterrows()]
    total = len(ranked.frame)
    caption = (
        f"The first {len(rows)} of {words.count(total, 'configuration')}, by rule {ranked.rule}."
        if total > len(rows)
        else f"By rule {ranked.rule}."
    )
    text = [f"Rule {ranked.rule}: {RULES[ranked.rule]}.", _reading(ranked)]
    return Section("ranking", "Ranking", [line for line in text if line], sheets=[Sheet(caption, columns, rows, "ranking")])


def _ranked(row: pd.Series) -> Row:
    note = "; ".join(part for part in (row["knobs"], row["reason"] and f"set aside: {row['reason']}") if part)
    failed = f" ({row['failures']:.0f})" if row["failures"] else ""
    figures = [words.within(row[name], row[f"{name}_high"] - row[name]) for name in ("accuracy", "tail", "stability")]
    cells = [f"{row['rank']:.0f}", f"{row['method']} {row['configuration']}", words.percent(row["guarantee"]), *figures]
    cells += [
        words.chance(row["p_best"]),
        words.ranks(row["rank_low"], row["rank_high"]),
        f"{row['seeds']:.0f}{failed}",
        words.duration(row["seconds"]),
    ]
    return Row(cells, note, faded=not row["kept"])


def _reading(ranked: Ranking) -> str:
    weights = ", ".join(f"{name} {weight:g}" for name, weight in ranked.weights.items())
    return (
        f"Utility weighs {weights}. Intervals are of the mean over retrainings on this split; the guarantee is what one retraining with a new seed "
        "exceeds with chance 95 %. P(best) and the rank interval come from 4,000 joint draws of mean and tail."
    )


def fronts(ranked: Ranking, looks: dict[str, style.Look]) -> Section:
    """The Pareto fronts."""
    text = "A configuration is on the front if no other is better on one figure and as good on the other."
    return Section("fronts", "Pareto fronts", [text], [front.front(ranked.frame, looks)])


def turned(table: Table, ranked: Ranking, looks: dict[str, style.Look]) -> Section | None:
    """Each knob against the three figures, those of most interest first."""
    dropped = table.configurations[table.configurations["state"] == "dropped"]
    drawn = [knobs.knob(ranked.frame, values, dropped, looks) for values in searched(table, ranked.frame)]
    return Section("knobs", "What each knob does", drawings=drawn) if drawn else None


def searched(table: Table, frame: pd.DataFrame) -> list[pd.Series]:
    """Each knob that some method turns: its values by configuration, nan for methods that hold it fixed."""
    method = table.configurations["method"].reindex(table.knobs.index)
    found = []
    for name in sorted(table.knobs.columns, key=lambda name: (list(knobs.MEANINGS).index(name) if name in knobs.MEANINGS else 99, name)):
        varies = table.knobs[name].groupby(method).transform("nunique") > 1
        values = table.knobs[name].where(varies)
        if values.reindex(frame.index).notna().any():
            found.append(values)
    return found


def learning(table: Table, ranked: Ranking, looks: dict[str, style.Look]) -> Section | None:
    """Learning curves of the best configuration of each method."""
    best = ranked.frame.groupby("method", sort=False).head(1).head(7)
    found = {}
    for key, row in best.iterrows():
        taken = curves_of(table, int(str(key)))
        if taken:
            found[f"{row['method']} {row['configuration']}"] = (row["method"], taken)
    if not any("accuracy" in taken for _, taken in found.values()):
        return None
    return Section("curves", "Learning curves", drawings=[curves.learning(found, looks, table.split)])


def curves_of(table: Table, key: int) -> curves.Curves:
    """The curves of a configuration's seeds, (seeds, epochs) by name; shorter ones, of diverged seeds, end in nan."""
    members = table.members[(table.members["key"] == key) & table.members["scored"]]
    read = [
        found
        for file, part in members.groupby("file")
        for found in reading.curves_of(table.home, table.paths[int(str(file))], part["row"].tolist())
    ]
    names = dict.fromkeys(name for found in read for name in found)
    longest = max((len(values) for found in read for values in found.values()), default=0)
    stacked = {name: np.full((len(read), longest), np.nan) for name in names}
    for place, found in enumerate(read):
        for name, values in found.items():
            stacked[name][place, : len(values)] = values
    return {name: values for name, values in stacked.items() if np.isfinite(values).any()}


def again(table: Table) -> Section:
    """How to reproduce the study."""
    commands = f"altiplano launch study.yaml\naltiplano report {table.name}"
    listings = [("Commands", commands)]
    if table.intent:
        listings.insert(0, ("Study file, every default written out", yaml.safe_dump(table.intent, sort_keys=False, allow_unicode=True)))
    if table.environment:
        listings.append(("Environment", yaml.safe_dump(table.environment, sort_keys=True, allow_unicode=True)))
    return Section("again", "How to reproduce it", listings=listings)
