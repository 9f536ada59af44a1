"""The report: a study's evidence as one HTML page with tables and figures beside it."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from analysis import answer, findings, page, sections
from analysis.figures import style
from analysis.figures.printer import Printer
from analysis.summary import WEIGHTS
from analysis.table import Table, load
from analysis.tables import clear, write_tables


def report(path: str, rule: str = "guarantee", weights: Mapping[str, float] = WEIGHTS, out: str | Path | None = None) -> Path:
    """Write the report of the study in a folder.

    Args:
        path: The study's folder, or a URL that fsspec opens.
        rule: One of `analysis.ranking.RULES`.
        weights: Of mean and tail in the utility.
        out: Folder to write to; `report` in the study's folder by default.

    Returns:
        The page, `index.html`; tables (CSV, Parquet, JSON, LaTeX) lie beside it and figures (PNG, PDF) in `figures`.

    Raises:
        ValueError: If the study cannot be judged yet, the rule or weights make no sense, or a remote study is given no `out`.
    """
    table = load(str(path))
    folder = _folder(table, out)
    found = findings.find(table, rule, weights)
    clear(folder)
    write_tables({"study": table.name, "rule": rule, "weights": found.ranked.weights}, sections.tables(found), folder)
    today = dt.datetime.now(dt.UTC).date().isoformat()
    with style.house(), Printer(style.STYLE) as printer:
        parts = []
        for section in sections.every(found):
            for drawing in (*section.drawings, *section.folded):
                printer.save(drawing.figure, str(folder / "figures" / drawing.name))
            parts.append(section)
        text = page.render(answer.head(found), parts, today)
    target = folder / "index.html"
    target.write_text(text, encoding="utf-8")
    return target


def _folder(table: Table, out: str | Path | None) -> Path:
    if out is not None:
        return Path(out)
    if not table.home.is_local:
        raise ValueError(
            f"a report is written to a local folder, and the study lies at {table.home.address}; name a folder with out (--out)"
        )
    return Path(table.home.root) / "report"
