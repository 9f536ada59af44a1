"""The report: a study's evidence as one HTML page with tables and figures beside it."""

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv, parquet

from analysis import answer, findings, page, sections
from analysis.figures import style
from analysis.page import Section
from analysis.ranking import Ranking
from analysis.summary import WEIGHTS
from analysis.table import Table, load

PRINTED = 30
"""Rows of a LaTeX table."""


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
    _clear(folder)
    write_tables(found.ranked, sections.tables(found), folder)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    with style.house():
        parts = sections.every(found)
        for drawing in drawings(parts):
            style.save(drawing, str(folder / "figures" / drawing.name))
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


def _clear(folder: Path) -> None:
    """Make the report's folder, without the figures of an earlier report."""
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for old in (folder / "figures").iterdir():
        if old.suffix in {".png", ".pdf"}:
            old.unlink()


def write_tables(ranked: Ranking, frames: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """Write each frame as NAME.csv, .parquet, .json and .tex (its first rows), numbers rounded to 6 decimals."""
    about = {"rule": ranked.rule, "weights": ranked.weights}
    for name, frame in frames.items():
        rounded = frame.copy()
        numbers = rounded.select_dtypes("floating").columns
        rounded[numbers] = rounded[numbers].round(6)
        arrow = pa.Table.from_pandas(rounded, preserve_index=False)
        csv.write_csv(arrow, folder / f"{name}.csv")
        parquet.write_table(arrow.replace_schema_metadata(), folder / f"{name}.parquet", compression="zstd")
        rows = rounded.to_json(orient="records", double_precision=6)
        (folder / f"{name}.json").write_text(f'{{"about": {json.dumps(about)}, "rows": {rows}}}\n', encoding="utf-8")
        (folder / f"{name}.tex").write_text(_latex(rounded.head(PRINTED)), encoding="utf-8")


def _latex(frame: pd.DataFrame) -> str:
    """A booktabs tabular; underscores and the like escaped."""
    columns = [name for name in frame.columns if not name.endswith(("_shrunk", "_sd"))]
    align = "".join("l" if frame[name].dtype.kind not in "fiub" else "r" for name in columns)
    lines = [" & ".join(_escape(name) for name in columns) + r" \\", r"\midrule"]
    lines += [" & ".join(_cell(value) for value in row) + r" \\" for row in frame[columns].itertuples(index=False)]
    return "\n".join([rf"\begin{{tabular}}{{{align}}}", r"\toprule", *lines, r"\bottomrule", r"\end{tabular}", ""])


def _cell(value: object) -> str:
    if isinstance(value, float | np.floating):
        return "--" if not np.isfinite(value) else f"{value:.4g}"
    return _escape(str(value))


def _escape(text: str) -> str:
    return "".join(
        {"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}"}.get(letter, letter) for letter in text
    )


def drawings(parts: Sequence[Section]) -> list[style.Drawing]:
    """Every figure of the sections, in order."""
    return [drawing for section in parts for drawing in (*section.drawings, *section.folded)]
