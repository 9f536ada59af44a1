"""Sharpness against generalisation."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import NullLocator
from scipy.stats import kendalltau

from analysis.figures.style import Drawing, Look, key, margins, panels


def against(ends: pd.DataFrame, looks: dict[str, Look], split: str, *, common: bool) -> Drawing:
    """Sharpness at the last epoch against the gap and the accuracy.

    Args:
        ends: One row a configuration: method, sharpness, gap (nat; nan where losses are missing), accuracy.
        looks: How methods are drawn.
        split: What the figures were taken on.
        common: Whether sharpness was taken at a radius common to all methods.
    """
    figure, axes = panels(2, 104, sharex=True)
    for method, rows in ends.groupby("method", sort=False):
        look = looks[str(method)]
        axes[0].plot(rows["sharpness"], rows["gap"], look.shape, color=look.colour, ms=3, mew=0, alpha=0.6)
        axes[1].plot(rows["sharpness"], 100 * rows["accuracy"], look.shape, color=look.colour, ms=3, mew=0, alpha=0.6)
    positive = ends["sharpness"][ends["sharpness"] > 0]
    if len(positive) == len(ends) and positive.max() / positive.min() > 20:
        axes[1].set_xscale("log")
        axes[1].xaxis.set_minor_locator(NullLocator())
    axes[0].set_ylabel(f"gap: loss on {split}\nless training loss (nat)")
    axes[1].set_ylabel("mean accuracy (%)")
    axes[1].set_xlabel("sharpness at the last epoch (nat)")
    used = key(figure, [(method, looks[method]) for method in looks if method in set(ends["method"])])
    margins(figure, left=17, top=used + 2, between=0.1)
    meaning = (
        "Sharpness is the rise of the plain training loss after a step of length .05 along its gradient, the same for all methods."
        if common
        else "Sharpness is the rise of the training risk that each method's own perturbation makes; compare within a method."
    )
    caption = f"Each point is a configuration without failed seed, its seeds averaged; n = {len(ends):,}. {meaning}"
    return Drawing("sharpness", "Gap and accuracy by sharpness", caption, figure)


def correlation(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Kendall's tau-b and its two-sided p-value; nan below five pairs."""
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < 5 or np.ptp(x[both]) == 0 or np.ptp(y[both]) == 0:
        return float("nan"), float("nan")
    found: Any = kendalltau(x[both], y[both])
    return float(found.statistic), float(found.pvalue)
