"""What the report speaks about: a study's table with all that was worked out from it, made once and handed to every section."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import compare, reading
from analysis.figures import knobs, style
from analysis.figures.style import Look
from analysis.ranking import Ranking, ranking
from analysis.table import BASELINE, Table
from trainables.evidence import FAILED, FAULTS

Curves = dict[str, NDArray[np.float64]]
"""Name to (seeds, epochs); nan where a figure was not taken."""


class Findings(NamedTuple):
    """A study as judged.

    Attributes:
        table: The evidence that the rule read: the selection split's, or the test split's for rule oracle.
        ranked: Its ranking.
        confirmed: The table and ranking of fresh seeds on the test split, once there are some.
        contrasts: Each method's best against ERM, from `compare.against`.
        searched: Values of the knobs that some method turns, by configuration; those of most interest first.
        looks: How methods are drawn.
    """

    table: Table
    ranked: Ranking
    confirmed: tuple[Table, Ranking] | None
    contrasts: pd.DataFrame
    searched: pd.DataFrame
    looks: dict[str, Look]

    @property
    def frame(self) -> pd.DataFrame:
        """The ranking's frame."""
        return self.ranked.frame


def find(table: Table, rule: str, weights: Mapping[str, float]) -> Findings:
    """Work out what the report speaks about.

    Raises:
        ValueError: As `ranking.ranking`.
    """
    ranked = ranking(table, rule, weights)
    judged = table.confirmed if rule == "oracle" and table.confirmed else table
    lead = table.leading
    confirmed = None if lead is table or rule == "oracle" else (lead, ranking(lead, rule, weights))
    looks = style.looks(table.methods, BASELINE)
    return Findings(judged, ranked, confirmed, compare.against(judged, ranked), searched(judged), looks)


def searched(table: Table) -> pd.DataFrame:
    """Each knob that some method turns, a column: its values by configuration, nan for methods that hold it fixed."""
    method = table.configurations["method"].reindex(table.knobs.index)
    known = list(knobs.MEANINGS)
    names = sorted(table.knobs.columns, key=lambda name: (known.index(name) if name in known else len(known), str(name)))
    turned = {name: method.isin([other for other, those in table.turned.items() if name in those]) for name in names}
    columns = {name: table.knobs[name].where(turned[name]) for name in names}
    return pd.DataFrame({name: values for name, values in columns.items() if values.notna().any()}, index=table.knobs.index)


def best_of_each(frame: pd.DataFrame, most: int = 7) -> pd.DataFrame:
    """The first configuration of each method in the ranking."""
    return frame.groupby("method", sort=False).head(1).head(most)


def row_of(frame: pd.DataFrame, key: int) -> pd.Series:
    """The row of a configuration."""
    return frame.loc[[key]].iloc[0]


def called(row: pd.Series) -> str:
    """A configuration's name: method and number."""
    return f"{row['method']} {row['configuration']}"


def members_of(table: Table, key: int) -> pd.DataFrame:
    """The members that count for a configuration."""
    return table.members[((table.members["key"] == key) & table.members["scored"]).to_numpy()]


def predictions_of(table: Table, key: int) -> NDArray[np.int16]:
    """Predictions of a configuration's members that did not diverge, (k, N)."""
    parts = []
    for file, part in members_of(table, key).groupby("file"):
        parts.append(reading.rows_of(table.home, table.paths[int(str(file))], "predictions")[part["row"].to_numpy()])
    found = np.concatenate(parts)
    return found[(found >= 0).all(1)]


def failed(found: Findings) -> dict[str, int]:
    """How many members of the ranked configurations failed in each way that occurred: {"diverged": 3, "collapsed": 1}."""
    members = found.table.members
    ranked = members["scored"] & members["key"].isin(found.frame.index)
    counts = members.loc[ranked, "status"].value_counts()
    return {name: int(counts[name]) for name in FAILED if name in counts}


def curves_of(table: Table, keys: Sequence[int]) -> dict[int, Curves]:
    """The curves of some configurations, each (seeds, epochs) by name; shorter ones, of diverged seeds, end in nan. Files are read once."""
    members = table.members[(table.members["key"].isin(keys) & table.members["scored"]).to_numpy()]
    read: dict[int, list[dict[str, NDArray[np.float32]]]] = {key: [] for key in keys}
    for file, part in members.groupby("file"):
        found = reading.curves_of(table.home, table.paths[int(str(file))], part["row"].tolist())
        for key, curves in zip(part["key"].tolist(), found, strict=True):
            read[key].append(curves)
    return {key: _stacked(curves) for key, curves in read.items()}


def _stacked(read: list[dict[str, NDArray[np.float32]]]) -> Curves:
    longest = max((len(values) for found in read for values in found.values()), default=0)
    stacked = {name: np.full((len(read), longest), np.nan) for found in read for name in found}
    for place, found in enumerate(read):
        for name, values in found.items():
            stacked[name][place, : len(values)] = values
    return {name: values for name, values in stacked.items() if np.isfinite(values).any()}


def faults(table: Table) -> list[dict[str, object]]:
    """What the study lost to faults of machines, if the search kept a record: group, method, seconds."""
    lines = (table.home.text(FAULTS) or "").splitlines()
    return [json.loads(line) for line in lines if line.strip()]
