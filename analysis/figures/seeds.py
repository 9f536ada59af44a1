"""Stability: how often retrainings disagree against how far their accuracy spreads."""

import numpy as np
import pandas as pd

from analysis.figures.style import FAINT, Drawing, Look, key, margins, panels
from analysis.figures.thinned import seeds_stated, thinned

LEAST = 0.1
"""Points that a panel reaches up to at least: where all spreads are 0, an axis of their rounding would be no help."""


def churn(frame: pd.DataFrame, net: pd.Series, looks: dict[str, Look]) -> Drawing:
    """Churn against the standard deviation of accuracy over seeds, raw and net of the split's noise.

    Args:
        frame: The ranking. net: net standard deviation of accuracy by key, moderated; nan where it is unknown.
        looks: How methods are drawn.
    """
    figure, axes = panels(2, 104, sharex=True)
    sound = frame[np.isfinite(frame["stability"]) & (frame["failures"] == 0)]
    shown = thinned(sound)
    for method, rows in shown.groupby("method", sort=False):
        look = looks[str(method)]
        for panel, values in zip(axes, (rows["accuracy_sd"], net.reindex(rows.index)), strict=True):
            panel.plot(100 * (1 - rows["stability"]), 100 * values, look.shape, color=look.colour, ms=3, mew=0, alpha=0.6)
    axes[0].set_ylabel("seed SD of accuracy\n(points, moderated)")
    axes[1].set_ylabel("net of split noise\n(points)")
    axes[1].set_xlabel("churn: examples two retrainings disagree on (%)")
    for panel in axes:
        panel.set_ylim(0, max(panel.get_ylim()[1], LEAST))
        panel.grid(color=FAINT)
    used = key(figure, [(method, looks[method]) for method in looks if method in set(shown["method"])])
    margins(figure, left=18, top=used + 2, between=0.1)
    caption = (
        f"Each point is a configuration of {seeds_stated(frame)}; n = {len(sound):,} without a failed "
        f"seed{f', {len(shown):,} drawn' if len(shown) < len(sound) else ''}. Above: the spread of accuracy over retrainings, variances "
        "borrowing strength from each other. Below: what is left of it without the noise that single examples flipping independently "
        "would make."
    )
    return Drawing("churn", "Churn and seed spread", caption, figure)
