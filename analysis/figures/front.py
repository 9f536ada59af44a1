"""Two figures against each other, with the Pareto front."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import pareto, words
from analysis.figures.style import INK, MUTED, WORDS, Drawing, Look, key, margins, panels, spaced, write
from analysis.figures.thinned import seeds_stated, thinned

LABELLED = 8
"""Members of the front that carry their rank."""


def front(frame: pd.DataFrame, looks: dict[str, Look], across: str = "accuracy", up: str = "tail") -> Drawing:
    """Every ranked configuration by two figures; the members of the front carry their rank and 95 % intervals."""
    figure, (axes,) = panels(height=76)
    shown = thinned(frame)
    for method, rows in shown.groupby("method", sort=False):
        look = looks[str(method)]
        axes.plot(100 * rows[across], 100 * rows[up], look.shape, color=look.colour, ms=3, mew=0, alpha=0.45)
    known: pd.DataFrame = frame.dropna(subset=[across, up])
    best: pd.DataFrame = known.loc[pareto.front(known[[across, up]].to_numpy())].sort_values(across)
    axes.step(100 * best[across], 100 * best[up], where="pre", color=INK, lw=0.8, zorder=1)
    for _, row in best.iterrows():
        look = looks[row["method"]]
        axes.hlines(100 * row[up], 100 * row[f"{across}_low"], 100 * row[f"{across}_high"], color=look.colour, lw=0.6, alpha=0.6)
        axes.vlines(100 * row[across], 100 * row[f"{up}_low"], 100 * row[f"{up}_high"], color=look.colour, lw=0.6, alpha=0.6)
        axes.plot(100 * row[across], 100 * row[up], look.shape, color=look.colour, ms=5, mec="white", mew=0.5, zorder=4)
    outside = _focus(axes, known, best, across, up)
    _name(axes, best.nsmallest(LABELLED, "rank"), across, up)
    axes.set(xlabel=f"{WORDS[across]} (%)", ylabel=f"{WORDS[up]} (%)")
    used = key(figure, [(method, looks[method]) for method in looks if method in set(frame["method"])])
    margins(figure, top=used + 2)
    drawn = f", {len(shown):,} of them drawn" if len(shown) < len(frame) else ""
    lower = f" {outside:,} {'lies' if outside == 1 else 'lie'} below or left of the frame." if outside else ""
    caption = (
        "Means over seeds. The line joins the configurations that no other beats on both figures, with their rank and 95 % intervals of "
        f"the mean over retrainings. n = {words.count(len(frame), 'configuration')} of {seeds_stated(frame)}{drawn}.{lower}"
    )
    return Drawing(f"front-{across}-{up}", f"{WORDS[across].capitalize()} against {WORDS[up]}", caption, figure)


def _name(axes: Axes, best: pd.DataFrame, across: str, up: str) -> None:
    """Ranks beside the front's points, pushed apart where points crowd."""
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    places = spaced([100 * value for value in best[up]], 0.05 * (high - low), low, high)
    for (_, row), place in zip(best.iterrows(), places, strict=True):
        x, y = 100 * row[across], 100 * row[up]
        shift = 0.022 * (right - left)
        axes.plot([x, x + shift], [y, place], color=MUTED, lw=0.4, zorder=3)
        write(axes, x + 1.2 * shift, place, f"{row['rank']:.0f}", size=7, fontweight="bold", va="center", zorder=5)


def _focus(axes: Axes, known: pd.DataFrame, best: pd.DataFrame, across: str, up: str) -> int:
    """Frame the upper half of the configurations with the front's intervals; returns how many lie outside."""
    lows = {}
    for name, limits in ((across, axes.set_xlim), (up, axes.set_ylim)):
        values = 100 * known[name].to_numpy()
        high = np.nanmax([values.max(), *(100 * best[f"{name}_high"])])
        low, quarter = np.quantile(values, [0.0, 0.25])
        least = max(low, quarter - 0.6 * (high - quarter))
        pad = 0.04 * (high - least) + 1e-3
        lows[name] = least - pad
        limits(lows[name], high + 2 * pad)
    return int(((100 * known[across] < lows[across]) | (100 * known[up] < lows[up])).sum())
