"""Accuracy against tail, with the Pareto front."""

import numpy as np
import pandas as pd

from analysis import pareto
from analysis.figures.style import FAINT, INK, Drawing, Look, key, margins, panels
from analysis.figures.thinned import MOST, thinned

WORDS = {"accuracy": "mean accuracy (%)", "tail": "tail score (%)", "stability": "stability, 1 - churn (%)", "utility": "utility (%)"}


def front(frame: pd.DataFrame, looks: dict[str, Look], across: str = "accuracy", up: str = "tail") -> Drawing:
    """Every ranked configuration by two figures; the members of the front carry their rank and 95 % intervals."""
    figure, (axes,) = panels(height=72)
    shown = thinned(frame)
    for method, rows in shown.groupby("method", sort=False):
        look = looks[str(method)]
        axes.plot(100 * rows[across], 100 * rows[up], look.shape, color=look.colour, ms=3, mew=0, alpha=0.5, rasterized=len(shown) > MOST)
    known = frame[np.isfinite(frame[[across, up]]).all(axis=1)]
    best = known[pareto.front(known[[across, up]].to_numpy())].sort_values(across)
    axes.step(100 * best[across], 100 * best[up], where="pre", color=INK, lw=0.8, zorder=1)
    labelled = best if len(best) <= 9 else best.nsmallest(9, "rank")
    for _, row in labelled.iterrows():
        look = looks[row["method"]]
        for name, draw in ((across, axes.hlines), (up, axes.vlines)):
            other = up if name == across else across
            draw(100 * row[other], 100 * row[f"{name}_low"], 100 * row[f"{name}_high"], color=look.colour, lw=0.7, alpha=0.8)
        axes.plot(100 * row[across], 100 * row[up], look.shape, color=look.colour, ms=5.5, mec="white", mew=0.5)
        axes.annotate(
            f"{row['rank']:.0f}", (100 * row[across], 100 * row[up]), (3.5, 3.5), textcoords="offset points", fontsize=7, fontweight="bold"
        )
    _focus(axes, frame, across, up)
    axes.set(xlabel=WORDS[across], ylabel=WORDS[up])
    used = key(figure, [(method, looks[method]) for method in looks if method in set(frame["method"])])
    margins(figure, top=used + 2, left=12, bottom=10)
    seeds = frame["seeds"]
    n = (
        f"n = {len(frame):,} configurations of {seeds.min():.0f}"
        + (f" to {seeds.max():.0f}" if seeds.min() < seeds.max() else "")
        + " seeds"
    )
    caption = (
        f"Means over seeds; the line joins the configurations that no other beats on both, numbered by rank, with 95 % intervals of the mean "
        f"over retrainings. {n}{_drawn(shown, frame)}. Configurations far below the rest lie outside the frame."
    )
    return Drawing(
        f"front-{across}-{up}", f"{WORDS[across].split(' (')[0].capitalize()} against {WORDS[up].split(' (')[0]}", caption, figure
    )


def _drawn(shown: pd.DataFrame, frame: pd.DataFrame) -> str:
    return f", {len(shown):,} of them drawn" if len(shown) < len(frame) else ""


def _focus(axes, frame: pd.DataFrame, across: str, up: str) -> None:  # noqa: ANN001
    """Show the upper three quarters in full and as much below as is not far off."""
    for name, limits in ((across, axes.set_xlim), (up, axes.set_ylim)):
        values = 100 * frame[name].dropna().to_numpy()
        if len(values) < 2 or np.ptp(values) == 0:
            continue
        low, middle, high = np.quantile(values, [0.25, 0.5, 1])
        least = max(values.min(), low - 2 * (high - low))
        pad = 0.06 * (high - least) + 1e-9
        limits(least - pad, high + 2 * pad)
    axes.grid(color=FAINT)
