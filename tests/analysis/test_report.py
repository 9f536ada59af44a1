"""The report as a user meets it: files, determinism, unfinished studies, and the page in a browser."""

import json
import re
from pathlib import Path

import pandas as pd

from analysis import report


def without_date(page: Path) -> str:
    return re.sub(r"<time>.*?</time>", "", page.read_text(encoding="utf-8"))


def test_a_report_leaves_a_page_with_its_tables_and_figures(digits: Path, tmp_path: Path) -> None:
    page = report(str(digits), out=tmp_path / "report")
    assert page.name == "index.html"
    table = pd.read_csv(page.parent / "ranking.csv")
    assert len(table) == 61
    assert json.loads((page.parent / "ranking.json").read_text())["about"]["rule"] == "guarantee"
    assert len(pd.read_parquet(page.parent / "ranking.parquet")) == 61
    assert (page.parent / "ranking.tex").read_text().startswith(r"\begin{tabular}")
    for name in re.findall(r'href="(figures/[^"]+)"', page.read_text(encoding="utf-8")):
        assert (page.parent / name).stat().st_size > 1000


def test_the_same_evidence_gives_the_same_report(digits: Path, tmp_path: Path) -> None:
    first, second = (report(str(digits), out=tmp_path / name) for name in ("first", "second"))
    assert without_date(first) == without_date(second)
    names = sorted(path.relative_to(first.parent) for path in first.parent.rglob("*") if path.is_file() and path.name != "index.html")
    assert len(names) > 8
    for name in names:
        assert (first.parent / name).read_bytes() == (second.parent / name).read_bytes(), name
