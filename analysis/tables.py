"""Tables beside a page: CSV, Parquet, JSON and LaTeX."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv, parquet

PRINTED = 30
"""Rows of a LaTeX table."""


def clear(folder: Path) -> None:
    """Make the report's folder, without the figures of an earlier report."""
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for old in (folder / "figures").iterdir():
        if old.suffix in {".png", ".pdf"}:
            old.unlink()


def write_tables(about: Mapping[str, object], frames: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """Write each frame as NAME.csv, .parquet, .json (with what it is about) and .tex (its first rows), numbers rounded to 6 decimals."""
    for name, frame in frames.items():
        rounded = frame.copy()
        numbers = [name for name in rounded.columns if rounded[name].dtype.kind == "f"]
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
