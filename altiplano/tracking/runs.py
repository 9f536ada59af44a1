"""A study's members as runs: knobs, curves epoch by epoch, and scores, as trackers take them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import reading
from analysis.table import Table
from trainables.evidence import FAILED

SCORES = ("accuracy", "tail", "stability", "loss")


@dataclass(frozen=True)
class Run:
    """A member as a run.

    Attributes:
        name: METHOD-CONFIGURATION-seedSEED, with -test behind it for one that `confirm` trained.
        words: What it is, by word: method, configuration, seed, split, status.
        failed: Whether it diverged or collapsed.
        knobs: Every number of its configuration.
        curves: Per name the pairs (epoch, value), epochs counted from 1; an epoch in which a figure was not taken is left out.
        scores: What it ended with; accuracy, tail and stability in [0, 1].
    """

    name: str
    words: dict[str, str]
    failed: bool
    knobs: dict[str, float]
    curves: dict[str, list[tuple[int, float]]]
    scores: dict[str, float]

    @property
    def epochs(self) -> int:
        """The last epoch of any curve."""
        return max((points[-1][0] for points in self.curves.values()), default=0)


def names(table: Table) -> "pd.Series[str]":
    """The run names of a table's members."""
    members, behind = table.members, "-test" if table.split == "test" else ""
    name = members["method"] + "-" + members["configuration"].map("{:04d}".format) + "-seed" + members["seed"].astype(str)
    return name.str.replace(r"[^\w.-]+", "-", regex=True) + behind


def runs(table: Table, called: "pd.Series[str]") -> Iterator[Run]:
    """The members that `called` names by their row in the table, one evidence file after the other."""
    members = table.members.loc[called.index]
    for file, part in members.groupby("file"):
        read = reading.curves_of(table.home, table.paths[int(str(file))], part["row"].tolist())
        for name, (_, member), curves in zip(called[part.index], part.iterrows(), read, strict=True):
            yield Run(
                name=str(name),
                words={word: str(member[word]) for word in ("method", "configuration", "seed", "status")} | {"split": table.split},
                failed=member["status"] in FAILED,
                knobs={str(knob): float(value) for knob, value in table.knobs.loc[member["key"]].dropna().items()},
                curves={curve: points for curve, values in curves.items() if (points := _points(values))},
                scores={score: float(member[score]) for score in SCORES if np.isfinite(member[score])},
            )


def _points(values: NDArray[np.float32]) -> list[tuple[int, float]]:
    return [(epoch, float(value)) for epoch, value in enumerate(values, start=1) if np.isfinite(value)]
