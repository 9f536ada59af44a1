"""Studies side by side, as one page."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import across, page, words
from analysis.across import Judged
from analysis.figures import across as drawn
from analysis.figures import style
from analysis.figures.printer import Printer
from analysis.page import Column, Head, Row, Section, Sheet
from analysis.summary import WEIGHTS
from analysis.table import BASELINE, load
from analysis.tables import clear, write_tables

COLUMNS = (
    Column("study", "method", kind="heading"),
    Column("mean", "%"),
    Column("tail", "%"),
    Column("stability", "%"),
    Column("utility", "%, 95 % interval"),
    Column("gain over ERM", "points, 95 % interval"),
    Column("p", "Holm"),
    Column("seeds"),
)


def compare_studies(
    paths: Sequence[str], rule: str = "guarantee", weights: Mapping[str, float] = WEIGHTS, out: str | Path | None = None
) -> Path:
    """Write a page that holds several studies against each other, method by method.

    Args:
        paths: The studies' folders, two or more.
        rule, weights: As for `report`.
        out: Folder to write to; `comparison` beside the first study by default.

    Returns:
        The page, `index.html`.

    Raises:
        ValueError: If fewer than two studies are given, or one cannot be judged.
    """
    if len(paths) < 2:
        raise ValueError(f"a comparison takes two studies or more, got {len(paths)}; for one study write its report")
    judged = [across.judge(load(str(path)), rule, weights) for path in paths]
    folder = Path(out) if out is not None else _beside(judged[0])
    best, runs = across.best(judged), across.runs(judged)
    methods = dict.fromkeys(method for one in judged for method in one.table.methods)
    looks = style.looks(list(methods), BASELINE)
    clear(folder)
    write_tables({"rule": rule, "weights": judged[0].ranked.weights}, {"methods": best}, folder)
    with style.house(), Printer(style.STYLE) as printer:
        sections = [_studies(best, looks), _over_data(runs, looks)]
        for section in sections:
            for drawing in section.drawings:
                printer.save(drawing.figure, str(folder / "figures" / drawing.name))
        text = page.render(_head(judged, best, rule), sections, dt.datetime.now(dt.UTC).date().isoformat())
    (folder / "index.html").write_text(text, encoding="utf-8")
    return folder / "index.html"


def _beside(judged: Judged) -> Path:
    if not judged.table.home.is_local:
        raise ValueError(
            f"a comparison is written to a local folder, and {judged.table.name} lies at {judged.table.home.address}; name one with out "
            "(--out)"
        )
    return Path(judged.table.home.root).parent / "comparison"


def _head(judged: Sequence[Judged], best: pd.DataFrame, rule: str) -> Head:
    names = words.listed([one.table.name for one in judged])
    winners = [f"{one.ranked.frame.iloc[0]['method']} on {one.table.name}" for one in judged]
    answer = [f"By rule {rule} the first are {words.listed(winners)}."]
    told = best.groupby("method")["gain"].agg(["min", "count"])
    always = [str(method) for method in told.index[(told["min"] > 0) & (told["count"] == len(judged))]]
    answer.append(
        f"{words.listed(always).capitalize()} gain{'s' if len(always) == 1 else ''} over ERM in every study."
        if always
        else "No method gains over ERM in every study."
    )
    warnings = [
        f"{one.table.name} is not confirmed for all of its methods: its figures are those that the search chose by."
        for one in judged
        if not one.confirmed
    ]
    facts = [(one.table.name, f"{one.data}, {words.count(len(one.ranked.frame), 'configuration')}") for one in judged]
    return Head(f"{len(judged)} studies compared", names, answer, warnings, facts)


def _studies(best: pd.DataFrame, looks: dict[str, style.Look]) -> Section:
    rows = []
    for _, row in best.sort_values(["study", "utility"], ascending=[True, False], kind="stable").iterrows():
        gain = (
            words.NONE
            if not words.known(row["gain"])
            else f"{words.points(row['gain'])} ({words.points(row['low'])} to {words.points(row['high'])})"
        )
        p = words.p_value(row["p_holm"]).removeprefix("= ") if words.known(row["p_holm"]) else words.NONE
        figures = [words.percent(row[name]) for name in ("accuracy", "tail", "stability")]
        utility = words.within(row["utility"], row["utility"] - row["utility_low"])
        note = f"configuration {row['configuration']}" + (f": {row['knobs']}" if row["knobs"] else "")
        rows.append(Row([f"{row['study']} · {row['method']}", *figures, utility, gain, p, f"{row['seeds']:.0f}"], note))
    text = (
        "Each method by its best configuration in each study. Utilities of different data sets are not comparable; gains over the same "
        "study's ERM are."
    )
    drawings = [drawn.gains(best, looks)] if best["gain"].notna().any() else []
    return Section("studies", "Methods by study", [text], drawings, [Sheet("Best configuration of each method.", COLUMNS, rows, "methods")])


def _over_data(runs: across.Runs, looks: dict[str, style.Look]) -> Section:
    sets = len(next(iter(runs.values()), []))
    title = "Over all data sets"
    if not across.enough(runs):
        fewest = min((sum(map(len, found)) for found in runs.values()), default=0)
        told = (
            f"Aggregates need {across.ENOUGH} runs a method over two data sets or more; the methods that all of these studies share have "
            f"{fewest} over {sets}. With fewer, an interquartile mean would be the luck of single runs, so none is given."
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
