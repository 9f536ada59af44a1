"""The sections of a comparison: what may be compared, levels on one split, gains over ERM, and aggregates over data sets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis import across, comparable, words
from analysis.comparable import Judged, Studies
from analysis.figures import across as drawn
from analysis.figures.style import Look
from analysis.levels import Levels
from analysis.page import Column, Row, Section, Sheet

Looks = dict[str, Look]

STUDY = (
    Column("study", kind="heading"),
    Column("compared by", kind="text"),
    Column("data", kind="text"),
    Column("judged on", kind="text"),
    Column("tail", kind="text"),
    Column("configurations"),
    Column("seeds"),
    Column("cost"),
)
LEVEL = (
    Column("#"),
    Column("study · method", kind="heading"),
    Column("guarantee", "%"),
    Column("mean", "%, 95 % interval"),
    Column("tail", "%, 95 % interval"),
    Column("stability", "%, 95 % interval"),
    Column("seeds", "(failed)"),
    Column("cost"),
)
AGAINST = (
    Column("study", "its best", kind="heading"),
    Column("mean", "points, 95 % interval"),
    Column("tail", "points, 95 % interval"),
    Column("utility", "points, 95 % interval"),
    Column("shrunken", "utility, points"),
    Column("p", "utility, Holm"),
    Column("P(better)", "utility, 95 % interval"),
)
GAIN = (
    Column("study · method", kind="heading"),
    Column("mean", "%"),
    Column("tail", "%"),
    Column("stability", "%"),
    Column("utility", "%, 95 % interval"),
    Column("gain over ERM", "points, 95 % interval"),
    Column("p", "Holm"),
    Column("seeds"),
)


def every(studies: Studies, found: Sequence[Levels], best: pd.DataFrame, looks: Looks) -> Iterator[Section]:
    """The sections in reading order."""
    yield _studies(studies)
    for place, (group, one) in enumerate(zip(studies.together, found, strict=True)):
        yield _levels(group, one, looks, f"-{place + 1}" if len(found) > 1 else "")
    if best["gain"].notna().any():
        yield _gains(studies, best, looks)
    if len({one.data for one in studies.judged}) > 1:
        yield _over_data(across.runs(studies.judged), looks)


def _studies(studies: Studies) -> Section:
    inside = {one.name for group in studies.together for one in group}
    rows = [
        Row(
            [
                one.name,
                _how(one, one.name in inside),
                one.data,
                f"{one.table.split} split" + ("" if one.table.truth is None else f", n = {len(one.table.truth.y):,}"),
                comparable.tail_of(one.table),
                f"{len(one.ranked.frame):,}",
                words.between(one.ranked.summary.seeds),
                words.duration(float(one.table.members["seconds"].sum())),
            ]
        )
        for one in studies.judged
    ]
    rows += [Row([name, reason, *[words.NONE] * 6], faded=True) for name, reason in studies.refused]
    text = (
        "Levels are compared between studies that score the same examples in the same way, whatever trained the nets; gains over a study's "
        "own ERM also between data sets. Levels of different data sets are not: one is harder than the other."
    )
    sheets = [Sheet("The studies.", STUDY, rows)]
    other = differences([one.table.intent for one in studies.judged])
    if other:
        columns = [Column("setting", kind="heading"), *[Column(one.name, kind="text") for one in studies.judged]]
        sheets.append(Sheet("What their study files set differently, methods aside.", columns, [Row([key, *told]) for key, told in other]))
    return Section("studies", "What may be compared", [text], sheets=sheets)


def _how(one: Judged, together: bool) -> str:
    ways = [word for word, holds in (("levels", together), ("gains over ERM", one.ranked.baseline is not None)) if holds]
    return words.listed(ways)


def differences(intents: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Settings that differ between study files, as (dotted key, value in each)."""
    flat = [dict(_flat({key: value for key, value in intent.items() if key not in {"name", "methods"}})) for intent in intents]
    keys = dict.fromkeys(key for one in flat for key in one)
    told = [(key, [str(one.get(key, words.NONE)) for one in flat]) for key in keys]
    return [(key, values) for key, values in told if len(set(values)) > 1]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif value is not None:
            yield f"{prefix}{key}", value


def _levels(group: Sequence[Judged], found: Levels, looks: Looks, number: str) -> Section:
    first = found.frame.iloc[0]
    rows = [_level(row) for _, row in found.frame.iterrows()]
    scenarios = {comparable.scenario_of(one.table) for one in group}
    method = (
        "Each method of each study by its best configuration. Every study is shrunken to its own population; differences between studies "
        "are unpaired, since one seed does not do the same in two of them."
    )
    text = [method]
    if len(scenarios) > 1:
        text.append(
            f"The studies train in different ways ({words.listed(sorted(scenarios))}), and all are judged by predictions on the same "
            "examples: ERM is each study's own."
        )
    sheets = [Sheet("Best configuration of each method of each study.", LEVEL, rows, f"levels{number}")]
    best = found.frame.groupby("study", sort=False).head(1).iloc[1:]
    against = [_against(found.contrasts[found.contrasts["study"] == row["study"]], row) for _, row in best.iterrows()]
    caption = f"The best of each other study less the first, {first['study']} · {first['method']} {first['configuration']}."
    sheets.append(Sheet(caption, AGAINST, against, f"contrasts{number}"))
    one = group[0]
    title = f"On the same examples: {one.data.split(',')[0]}, {one.table.split} split"
    return Section(f"levels{number}", title, text, [drawn.levels(found.frame, looks, number)], sheets)


def _level(row: pd.Series) -> Row:
    figures = [words.score(row, name) for name in ("accuracy", "tail", "stability")]
    failed = f" ({row['failures']:.0f})" if row["failures"] else ""
    note = "; ".join(part for part in (f"configuration {row['configuration']}", row["knobs"], row["reason"]) if part)
    ends = [f"{row['seeds']:.0f}{failed}", words.duration(row["seconds"])]
    cells = [f"{row['rank']:.0f}", f"{row['study']} · {row['method']}", words.percent(row["guarantee"]), *figures, *ends]
    return Row(cells, note, faded=not row["kept"])


def _against(part: pd.DataFrame, best: pd.Series) -> Row:
    by_figure = {str(row["figure"]): row for _, row in part.iterrows()}
    utility = by_figure["utility"]
    p = words.p_value(utility["p_holm"]).removeprefix("= ") if words.known(utility["p_holm"]) else words.NONE
    chance = (
        f"{words.chance(utility['chance'])} ({words.chance(utility['chance_low'])} to {words.chance(utility['chance_high'])})"
        if words.known(utility["chance_low"])
        else words.NONE
    )
    gains = [words.gain(by_figure[name]) for name in ("accuracy", "tail", "utility")]
    return Row([str(best["study"]), *gains, words.points(utility["shrunken"]), p, chance], f"{best['method']} {best['configuration']}")


def _gains(studies: Studies, best: pd.DataFrame, looks: Looks) -> Section:
    rows = []
    for _, row in best.sort_values(["study", "utility"], ascending=[True, False], kind="stable").iterrows():
        p = words.p_value(row["p_holm"]).removeprefix("= ") if words.known(row["p_holm"]) else words.NONE
        figures = [words.percent(row[name]) for name in ("accuracy", "tail", "stability")]
        utility = words.score(row, "utility")
        gain = words.gain(row) if words.known(row["gain"]) else words.NONE
        note = f"configuration {row['configuration']}" + (f": {row['knobs']}" if row["knobs"] else "")
        rows.append(Row([f"{row['study']} · {row['method']}", *figures, utility, gain, p, f"{row['seeds']:.0f}"], note))
    text = ["Each method by its best configuration in each study, against the ERM of that study."]
    differing = sorted(set(best["method"]) - set(across.shared(studies.judged)))
    if differing:
        text.append(f"A name that stands for different things in these studies: {words.listed(differing)}. They are not pooled.")
    return Section(
        "gains", "Gains over ERM", text, [drawn.gains(best, looks)], [Sheet("Best configuration of each method.", GAIN, rows, "methods")]
    )


def _over_data(runs: across.Runs, looks: Looks) -> Section:
    sets = len(next(iter(runs.values()), []))
    title = "Over all data sets"
    if not across.enough(runs):
        fewest = min((sum(map(len, found)) for found in runs.values()), default=0)
        has = f"the methods that all of these studies share have {fewest} over {sets}" if runs else "these studies share no method"
        told = (
            f"Aggregates need {across.ENOUGH} runs a method over two data sets or more; {has}. With fewer, an interquartile mean would be "
            "the luck of single runs, so none is given."
        )
        return Section("across", title, [told])
    pooled = np.concatenate([values for found in runs.values() for values in found])
    at = np.linspace(pooled.min() - 0.01, pooled.max() + 0.01, 101)
    fewest = min(sum(map(len, found)) for found in runs.values())
    drawings = [drawn.aggregate(across.aggregates(runs), looks), drawn.profiles(at, across.profile(runs, at), looks, fewest)]
    found = across.critical(runs)
    text = []
    if found:
        drawings.append(drawn.critical(found, looks, sets))
    else:
        text.append(
            f"A critical-difference diagram needs three to {across.METHODS} methods on {across.DATA_SETS} data sets or more; here are "
            f"{len(runs)} on {sets}."
        )
    return Section("across", title, text, drawings)
