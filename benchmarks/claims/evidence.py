"""A claim's study as it is judged: each method's best by the selection split, and its fresh seeds on the test split, member by member."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis import reading
from analysis.ranking import ranking
from analysis.table import Table, load

LAST = ("gap", "weight_norm", "cohesion", "separability", "radius")
"""Curves whose last value is a figure of the member."""


class Evidence(NamedTuple):
    """What a study says.

    Attributes:
        name: The study's name.
        chosen: Each method's best configuration by the ranking of the selection split, best first: method, configuration, knobs, ...
        members: One row a member of these, on the test split: method, seed and every figure; nan where a member has none.
        environment: What it ran on.
        seconds: Training time of the whole study.
    """

    name: str
    chosen: pd.DataFrame
    members: pd.DataFrame
    environment: dict[str, object]
    seconds: float

    @property
    def methods(self) -> list[str]:
        """Methods in the order of the selection split."""
        return [str(method) for method in self.chosen["method"]]

    def best(self, among: Sequence[str], figure: str = "") -> str:
        """The best of some methods on the selection split, by the ranking or by a figure's mean.

        Raises:
            ValueError: If the study has none of them.
        """
        found = self.chosen[self.chosen["method"].isin(list(among))]
        if found.empty:
            raise ValueError(f"study {self.name} must have one of the methods {', '.join(among)}, it has {', '.join(self.methods)}")
        ordered = found.sort_values(figure, ascending=False, kind="stable") if figure else found
        return str(ordered["method"].iloc[0])

    def values(self, method: str, figure: str) -> "pd.Series[float]":
        """A figure of a method's fresh members, by seed.

        Raises:
            ValueError: If there is none.
        """
        found = self.members[self.members["method"] == method]
        if found.empty:
            raise ValueError(f"study {self.name} must have fresh seeds of {method}, it has those of {', '.join(self.methods)}")
        return found.set_index("seed")[figure].astype(float)


def read(folder: str) -> Evidence:
    """The evidence of a study that was searched and confirmed.

    Raises:
        ValueError: If it was not.
    """
    table = load(folder)
    if table.confirmed is None:
        raise ValueError(f"study {table.name} must have fresh seeds on the test split, it has none; run `altiplano confirm --each`")
    chosen = ranking(table).frame.groupby("method", sort=False).head(1).reset_index(drop=True)
    pairs = pd.MultiIndex.from_frame(chosen[["method", "configuration"]])
    fresh = table.confirmed.members
    fresh = fresh[pd.MultiIndex.from_frame(fresh[["method", "configuration"]]).isin(pairs)]
    seconds = float(table.members["seconds"].sum() + table.confirmed.members["seconds"].sum())
    return Evidence(table.name, chosen, _with_last(table.confirmed, fresh), table.environment, seconds)


def _with_last(table: Table, members: pd.DataFrame) -> pd.DataFrame:
    """The members with the last values of their curves."""
    found = pd.DataFrame(np.nan, index=members.index, columns=list(LAST))
    for file, part in members.groupby("file"):
        curves = reading.curves_of(table.home, table.paths[int(str(file))], part["row"].tolist())
        for index, one in zip(part.index, curves, strict=True):
            found.loc[index] = [float(one[name][-1]) if len(one.get(name, ())) else np.nan for name in LAST]
    return members[["method", "seed", "accuracy", "tail", "stability", "loss"]].join(found)
