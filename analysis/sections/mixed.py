"""What the mixings did to pictures, for each method whose groups left a page."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from analysis.figures import mixtures
from analysis.findings import Findings
from analysis.page import Section
from analysis.table import Table


def pictures(found: Findings) -> Section | None:
    """A page of mixed pictures of each method's most accurate member."""
    best: dict[str, dict[str, Any]] = {}
    for kept in _pages(found.table):
        name = str(kept["method"])
        if name not in best or kept["accuracy"] > best[name]["accuracy"]:
            best[name] = kept
    drawn = [mixtures.page(name, best[name]) for name in found.table.methods if name in best]
    return Section("mixtures", "What the mixings do", drawings=drawn) if drawn else None


def _pages(table: Table) -> Iterator[dict[str, Any]]:
    for path in table.home.files("mixtures", ".npz"):
        with table.home.system.open(path, "rb") as file, np.load(io.BytesIO(file.read()), allow_pickle=False) as content:
            yield {name: content[name] for name in content.files}
