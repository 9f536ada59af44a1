"""Studies that score the same examples, held against each other directly: whose best is better, and by how much.

Every study is shrunken to its own population, and differences between studies are unpaired: one seed does not do the same in two of them.
No chance of being best over all studies is given. Drawn from each study's own posterior it was over-confident in simulations: where true
means spread as little as seeds do, chances near .9 came true in .7, since each population's spread is known too badly (ours).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis import compare
from analysis.comparable import Judged
from analysis.ranking import criteria

FIGURES = ("accuracy", "tail", "utility")


class Levels(NamedTuple):
    """Studies on one split.

    Attributes:
        frame: The best configuration of each method of each study, best first by the rule: the ranking's columns with `study`, and their
            rank among themselves.
        contrasts: The best of every other study against the first, by figure, as in `compare.against`; `shrunken` is the difference after
            shrinkage of either within its study.
    """

    frame: pd.DataFrame
    contrasts: pd.DataFrame


def levels(together: Sequence[Judged]) -> Levels:
    """Hold studies on one split against each other."""
    parts = []
    for one in together:
        best = one.ranked.frame.groupby("method", sort=False).head(1)
        parts.append(best.assign(study=one.name, key=best.index))
    frame = pd.concat(parts, ignore_index=True)
    keys = criteria(frame, together[0].ranked.rule, frame["kept"].to_numpy(bool))
    frame = frame.iloc[np.lexsort((frame.index.to_numpy(), *reversed(keys)))].reset_index(drop=True)
    frame["rank"] = np.arange(1, len(frame) + 1)
    return Levels(frame.drop(columns="key"), _contrasts(together, frame))


def _contrasts(together: Sequence[Judged], frame: pd.DataFrame) -> pd.DataFrame:
    """The best of every other study against the first in rank; p-values are Holm's over the studies, within a figure."""
    best = frame.groupby("study", sort=False).head(1)
    judged = {one.name: one for one in together}
    rows = []
    for name in FIGURES:
        sides = [_side(judged[str(row["study"])], int(row["key"]), name) for _, row in best.iterrows()]
        found = [compare.unpaired(values, sides[0][0], spread, sides[0][1]) for values, spread in sides[1:]]
        corrected = compare.holm(np.array([contrast.p for contrast in found]))
        shrunken = (best[f"{name}_shrunk"] - best[f"{name}_shrunk"].iloc[0]).iloc[1:].tolist()
        for (_, row), contrast, p, less in zip(best.iloc[1:].iterrows(), found, corrected.tolist(), shrunken, strict=True):
            rows.append((row["study"], row["method"], row["configuration"], name, *contrast, p, less))
    return pd.DataFrame(rows, columns=["study", "method", "configuration", "figure", *compare.Contrast._fields, "p_holm", "shrunken"])


def _side(one: Judged, key: int, name: str) -> tuple[np.ndarray, tuple[float, float]]:
    """A configuration's scores by seed, and its moderated variance with its degrees of freedom."""
    place = int(one.ranked.summary.configurations.index.get_indexer(pd.Index([key]))[0])
    figure = one.ranked.summary.figures[name]
    return compare.by_seed(one.table, one.ranked, name)[place], (float(figure.variance[place]), float(figure.df[place]))
