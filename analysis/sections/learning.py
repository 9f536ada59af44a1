"""Learning curves, and sharpness against generalisation."""

import numpy as np
import pandas as pd

from analysis import words
from analysis.figures import curves as drawn_curves
from analysis.figures import sharpness as drawn_sharpness
from analysis.figures.thinned import thinned
from analysis.findings import Findings, best_of_each, called, curves_of
from analysis.page import Column, Row, Section, Sheet

MARKS = {
    "sharpness_common": ("sharpness", "nat, common radius"),
    "gap": ("gap", "nat"),
    "weight_norm": ("weight norm",),
    "cohesion": ("cohesion", "of features, -1 to 1"),
    "separability": ("separability", "of features, 0 to 2"),
}
"""Curves whose last value is worth a table, with head and unit."""

FEWEST = 3
"""Configurations with a sharpness needed to draw any."""

SAMPLED = 300
"""Configurations whose curves are read for sharpness against generalisation."""

COMMON = "sharpness_common"
"""The curve of sharpness at one radius for all methods, so that they compare."""


def curves(found: Findings) -> Section | None:
    """Learning curves of the best configuration of each method, and whatever else was recorded of the winner."""
    best = best_of_each(found.frame)
    read = curves_of(found.table, [int(str(key)) for key in best.index])
    taken = {called(row): (str(row["method"]), read[int(str(key))]) for key, row in best.iterrows()}
    taken = {label: (method, curves) for label, (method, curves) in taken.items() if "accuracy" in curves}
    if not taken:
        return None
    drawn = [drawn_curves.learning(taken, found.looks, found.table.split)]
    others = drawn_curves.others(taken, found.looks)
    return Section("curves", "Learning curves", drawings=drawn, folded=others)


def sharpness(found: Findings) -> Section | None:
    """Sharpness at the last epoch against the gap between the split's loss and the training loss, and what else marks the trained nets.

    Taken at a radius common to all where that was recorded; else each method's own sharpness.
    """
    sample = thinned(found.frame[found.frame["failures"] == 0].sort_index(), SAMPLED)
    read = curves_of(found.table, [int(str(key)) for key in sample.index])
    common = any("sharpness_common" in curves for curves in read.values())
    name = "sharpness_common" if common else "sharpness"
    taken = [(row, read[int(str(key))]) for key, row in sample.iterrows()]
    rows = [(row["method"], _last(curves[name]), _gap(curves), row["accuracy"]) for row, curves in taken if name in curves]
    if len(rows) < FEWEST:
        return None
    ends = pd.DataFrame(rows, columns=["method", "sharpness", "gap", "accuracy"])
    text = "Flatter minima are held to generalise better; here is what this study shows, configuration by configuration."
    drawn = drawn_sharpness.against(ends, found.looks, found.table.split, common=common)
    sheets = _marks(found)
    return Section("sharpness", "Sharpness against generalisation", [text, *_correlations(ends, common=common)], [drawn], sheets)


def _marks(found: Findings) -> list[Sheet]:
    """What was recorded of the trained nets at the last epoch, for the best of each method."""
    best = best_of_each(found.frame)
    read = curves_of(found.table, [int(str(key)) for key in best.index])
    names = [name for name in MARKS if any(name in curves for curves in read.values())]
    if not names:
        return []
    columns = [Column("configuration", kind="heading"), *[Column(*MARKS[name]) for name in names]]
    rows = []
    for key, row in best.iterrows():
        curves = read[int(str(key))]
        rows.append(Row([called(row), *[f"{_last(curves[name]):.3g}" if name in curves else words.NONE for name in names]]))
    return [Sheet("The best configuration of each method at its last epoch, mean of its seeds.", columns, rows)]


def _gap(read: dict[str, np.ndarray]) -> float:
    if "gap" in read:
        return _last(read["gap"])
    return _last(read["loss"]) - _last(read["train_loss"]) if {"loss", "train_loss"} <= set(read) else float("nan")


def _last(values: np.ndarray) -> float:
    """The mean over seeds of the last figure taken."""
    ends = [row[np.isfinite(row)][-1] for row in values if np.isfinite(row).any()]
    return float(np.mean(ends)) if ends else float("nan")


def _correlations(ends: pd.DataFrame, *, common: bool) -> list[str]:
    told = []
    for method, part in [("all methods together", ends)] * common + list(ends.groupby("method", sort=False)):
        tau, p = drawn_sharpness.correlation(part["sharpness"].to_numpy(), part["gap"].to_numpy())
        if words.known(tau):
            told.append(f"{method} {words.signed(tau)} (n = {len(part)}, p {words.p_value(p)})")
    if not told:
        return []
    return [f"Kendall's tau between sharpness and gap: {words.listed(told)}. These p-values are not corrected for their number."]
