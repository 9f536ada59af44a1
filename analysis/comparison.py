"""Studies side by side, as one page."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from analysis import across, comparable, page, words
from analysis.comparable import Judged, Studies
from analysis.figures import style
from analysis.figures.printer import Printer
from analysis.levels import Levels, levels
from analysis.page import Head
from analysis.sections import side
from analysis.summary import WEIGHTS
from analysis.table import BASELINE, load
from analysis.tables import clear, write_tables


def compare_studies(
    paths: Sequence[str], rule: str = "guarantee", weights: Mapping[str, float] = WEIGHTS, out: str | Path | None = None
) -> Path:
    """Write a page that holds several studies against each other: levels where they score the same examples, gains over ERM elsewhere.

    Args:
        paths: The studies' folders, two or more.
        rule, weights: As for `report`; a front is one study's and the oracle none's, so that these two rules are refused.
        out: Folder to write to; `comparison` beside the first study by default.

    Returns:
        The page, `index.html`; tables (CSV, Parquet, JSON, LaTeX) lie beside it and figures (PNG, PDF) in `figures`.

    Raises:
        ValueError: If fewer than two studies can be held against each other; the message says why.
    """
    studies = comparable.sort_out([load(str(path)) for path in paths], rule, weights)
    folder = Path(out) if out is not None else _beside(studies.judged[0])
    best, found = across.best(studies.judged), [levels(group) for group in studies.together]
    looks = style.looks(list(dict.fromkeys(method for one in studies.judged for method in one.table.methods)), BASELINE)
    about = {"studies": [one.name for one in studies.judged], "rule": rule, "weights": studies.judged[0].ranked.weights}
    clear(folder)
    write_tables(about, {"methods": best, **_level_tables(found)}, folder)
    with style.house(), Printer(style.STYLE) as printer:
        sections = list(side.every(studies, found, best, looks))
        for section in sections:
            for drawing in section.drawings:
                printer.save(drawing.figure, str(folder / "figures" / drawing.name))
        text = page.render(_head(studies, found, best, rule), sections, dt.datetime.now(dt.UTC).date().isoformat())
    (folder / "index.html").write_text(text, encoding="utf-8")
    return folder / "index.html"


def _level_tables(found: Sequence[Levels]) -> dict[str, pd.DataFrame]:
    numbers = [""] if len(found) == 1 else [f"-{place}" for place in range(1, len(found) + 1)]
    tables = {f"levels{number}": one.frame for number, one in zip(numbers, found, strict=True)}
    return tables | {f"contrasts{number}": one.contrasts for number, one in zip(numbers, found, strict=True)}


def _beside(judged: Judged) -> Path:
    if not judged.table.home.is_local:
        raise ValueError(
            f"a comparison is written to a local folder, and {judged.name} lies at {judged.table.home.address}; name one with out (--out)"
        )
    return Path(judged.table.home.root).parent / "comparison"


def _head(studies: Studies, found: Sequence[Levels], best: pd.DataFrame, rule: str) -> Head:
    answer = [sentence for group, one in zip(studies.together, found, strict=True) for sentence in _leading(group, one, rule)]
    if len({one.data for one in studies.judged}) > 1:
        answer.append(_gaining(studies, best))
    facts = [(one.name, f"{one.data}; {words.count(len(one.ranked.frame), 'configuration')}") for one in studies.judged]
    names = words.listed([one.name for one in studies.judged])
    return Head(f"{len(studies.judged)} studies compared", names, answer, _warnings(studies), facts, kind="comparison")


def _leading(group: Sequence[Judged], found: Levels, rule: str) -> list[str]:
    """Which study has the best, and by how much over the best of each other."""
    first = found.frame.iloc[0]
    count = sum(len(one.ranked.frame) for one in group)
    lead = (
        f"On {group[0].data}, {group[0].table.split} split, {first['method']} {first['configuration']} of {first['study']} comes first of "
        f"{count:,} by rule {rule}: mean accuracy {words.score(first, 'accuracy')} %, tail {words.score(first, 'tail')} %."
    )
    return [lead, *(_behind(row) for _, row in found.contrasts[found.contrasts["figure"] == "utility"].iterrows())]


def _behind(row: pd.Series) -> str:
    called = f"The best of {row['study']}, {row['method']} {row['configuration']},"
    between = f" (95 % interval {words.points(row['low'])} to {words.points(row['high'])})" if words.known(row["low"]) else ""
    after = f", {words.points(row['shrunken'])} after shrinkage" if words.known(row["shrunken"]) else ""
    return f"{called} differs from it by {words.points(row['gain'])} points of utility{between}{after}."


def _gaining(studies: Studies, best: pd.DataFrame) -> str:
    """Which methods gain over their study's ERM in every study."""
    everywhere, sure = [], []
    for method in across.shared(studies.judged):
        part = best[(best["method"] == method) & best["gain"].notna()]
        if len(part) == len(studies.judged) and part["gain"].min() > 0:
            everywhere.append(method)
            sure += [method] if part["low"].min() > 0 else []
    if not everywhere:
        return "No method gains over its study's ERM in every study."
    clear_of = f"; of {words.listed(sure)} every interval is above 0" if sure else "; no method's intervals are all above 0"
    return f"In every study {words.listed(everywhere)} {'gains' if len(everywhere) == 1 else 'gain'} over that study's ERM{clear_of}."


def _warnings(studies: Studies) -> list[str]:
    told = [f"{name} is left out: {reason}." for name, reason in studies.refused]
    unconfirmed = [one.name for one in studies.judged if not one.confirmed]
    if unconfirmed:
        told.append(
            f"{words.listed(unconfirmed)}: not every method is confirmed, so the figures are those that the search chose by, and too high "
            "by as much as luck helped."
        )
    budgets = {one.name: len(one.ranked.frame) for one in studies.judged}
    if studies.together and max(budgets.values()) > min(budgets.values()):
        listed = words.listed([f"{name} {count:,}" for name, count in budgets.items()])
        told.append(f"The studies tried different numbers of configurations ({listed}): more tries, more luck.")
    return told
