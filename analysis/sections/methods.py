"""Methods compared at equal budget, and the Pareto fronts over all of them."""

import pandas as pd

from analysis import compare, words
from analysis.figures import contrasts, front
from analysis.findings import Findings
from analysis.page import Column, Row, Section, Sheet

COLUMNS = (
    Column("method", "best configuration", kind="heading"),
    Column("tried"),
    Column("gain in mean", "points, 95 % interval"),
    Column("p", "Holm"),
    Column("gain in tail", "points, 95 % interval"),
    Column("p", "Holm"),
    Column("P(better than ERM)", "utility, 95 % interval"),
    Column("meaningful"),
)


def compared(found: Findings) -> Section | None:
    """Each method's best against ERM's, and all configurations side by side."""
    if len(found.table.methods) < 2:
        return None
    drawn = [contrasts.spread(found.frame, found.looks)]
    if not len(found.contrasts):
        text = "The study has no finished ERM configuration, so that no method can be held against it."
        return Section("methods", "Methods compared", [text], drawn)
    if found.contrasts["low"].notna().any():
        drawn.insert(0, contrasts.gains(found.contrasts, found.looks))
    rows = [_row(found, str(method)) for method in dict.fromkeys(found.contrasts["method"])]
    sheet = Sheet("The best configuration of each method against ERM, by seeds in common.", COLUMNS, rows, "methods")
    return Section("methods", "Methods compared", _words(found), drawn, [sheet])


def _row(found: Findings, method: str) -> Row:
    part = found.contrasts[found.contrasts["method"] == method].set_index("figure")
    cells = [method, f"{int((found.table.configurations['method'] == method).sum()):,}"]
    for name in ("accuracy", "tail"):
        one = part.loc[name]
        cells += [_gain(one), _p(one["p_holm"])]
    overall = part.loc["utility"]
    chance = f"{words.chance(overall['chance'])} ({words.chance(overall['chance_low'])} to {words.chance(overall['chance_high'])})"
    cells += [chance if words.known(overall["chance_low"]) else words.NONE, "yes" if overall["meaningful"] else "no"]
    key = found.frame[(found.frame["method"] == method) & (found.frame["configuration"] == overall["configuration"])].index[0]
    return Row(
        cells,
        f"configuration {overall['configuration']}" + (f": {found.frame.loc[key, 'knobs']}" if found.frame.loc[key, "knobs"] else ""),
    )


def _gain(row: pd.Series) -> str:
    if not words.known(row["low"]):
        return words.points(row["gain"])
    return f"{words.points(row['gain'])} ({words.points(row['low'])} to {words.points(row['high'])})"


def _p(value: float) -> str:
    return words.NONE if not words.known(value) else "< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def _words(found: Findings) -> list[str]:
    first = found.contrasts.iloc[0]
    counts = found.table.configurations[found.table.configurations["method"].isin(found.contrasts["method"])].groupby("method").size()
    equal = counts.min() == counts.max()
    budget = (
        "Every method had the same budget"
        if equal
        else f"The budgets differ so far, from {counts.min():,} to {counts.max():,} configurations; methods with more had more chances"
    )
    used = found.contrasts.drop_duplicates("figure")
    how = "; ".join(
        f"{'mean' if row['figure'] == 'accuracy' else row['figure']} {row['correlation']:+.2f}{'' if row['paired'] else ', so compared unpaired'}"
        for _, row in used.iterrows()
    )
    seeds = int(first["seeds"])
    least = compare.least_rank_p(seeds, seeds)
    rank_test = (
        f" A rank test of {seeds} against {seeds} seeds could not fall below p = {least:.2g} whatever the data." if least > 0.05 else ""
    )
    return [
        f"{budget}. Each method stands by its best configuration under the rule, which was chosen for looking good: its gain here is too high by as much as luck helped it.",
        f"Differences are tested seed by seed where common seeds correlate ({how}), with moderated variances; p-values are Holm's over the methods.{rank_test} "
        "A gain is called meaningful if a retraining beats one of ERM with probability of at least 75 %, and its lower bound exceeds 50 %.",
    ]


def fronts(found: Findings) -> Section:
    """The Pareto fronts over pairs of figures."""
    frame = found.frame
    pairs = [("accuracy", "tail")]
    if frame["stability"].notna().any():
        pairs += [("accuracy", "stability"), ("tail", "stability")]
    drawn = [front.front(frame, found.looks, across, up) for across, up in pairs]
    sure = int((frame["front"] >= 0.5).sum())
    text = [
        "A configuration is on the front if no other is as good on both figures and better on one; which are there depends on the seeds drawn."
    ]
    if frame["front"].notna().any():
        text.append(
            f"{words.count(sure, 'configuration')} of {len(frame):,} lie on the front of all three figures with probability of a half or more; the ranking's column P(front) has each."
        )
    return Section("fronts", "Pareto fronts", text, drawn)
