"""Learning curves, and sharpness against generalisation."""

import numpy as np
import pandas as pd

from analysis import words
from analysis.figures import curves as drawn_curves
from analysis.figures import sharpness as drawn_sharpness
from analysis.figures.thinned import thinned
from analysis.findings import Findings, best_of_each, called, curves_of
from analysis.page import Section

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
    return Section("curves", "Learning curves", drawings=[*drawn, *others])


def sharpness(found: Findings) -> Section | None:
    """Sharpness at the last epoch against the gap between selection and training loss."""
    sample = thinned(found.frame[found.frame["failures"] == 0].sort_index(), SAMPLED)
    read = curves_of(found.table, [int(str(key)) for key in sample.index])
    taken = [(row, read[int(str(key))]) for key, row in sample.iterrows()]
    rows = [(row["method"], _last(curves[COMMON]), _gap(curves), row["accuracy"]) for row, curves in taken if COMMON in curves]
    ends = pd.DataFrame(rows, columns=["method", "sharpness", "gap", "accuracy"]).astype(
        dict.fromkeys(("sharpness", "gap", "accuracy"), float)
    )
    ends = ends[np.isfinite(ends["sharpness"])]
    if len(ends) < 3:
        return None
    text = "Flatter minima are held to generalise better; here is what this study shows, configuration by configuration."
    return Section(
        "sharpness",
        "Sharpness against generalisation",
        [text, *_correlations(ends)],
        [drawn_sharpness.against(ends, found.looks, found.table.split)],
    )


def _gap(read: dict[str, np.ndarray]) -> float:
    if "gap" in read:
        return _last(read["gap"])
    return _last(read["loss"]) - _last(read["train_loss"]) if {"loss", "train_loss"} <= set(read) else float("nan")


def _last(values: np.ndarray) -> float:
    """The mean over seeds of the last figure taken."""
    ends = [row[np.isfinite(row)][-1] for row in values if np.isfinite(row).any()]
    return float(np.mean(ends)) if ends else float("nan")


def _correlations(ends: pd.DataFrame) -> list[str]:
    told = []
    for method, part in ends.groupby("method", sort=False):
        tau, p = drawn_sharpness.correlation(part["sharpness"].to_numpy(), part["gap"].to_numpy())
        if words.known(tau):
            told.append(f"{method} {tau:+.2f} (n = {len(part)}, p {words.p_value(p)})")
    return [f"Kendall's tau between sharpness and gap within methods: {words.listed(told)}."] if told else []
