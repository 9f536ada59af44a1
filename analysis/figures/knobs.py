"""Each knob against mean, tail and stability."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator

from analysis.figures.style import MUTED, Drawing, Look, key, margins, panels
from analysis.figures.thinned import thinned

MEANINGS = {
    "alpha": "mixing ratio",
    "rho": "perturbation radius",
    "penalty": "loss-concentration penalty",
    "eta": "loss-concentration penalty",
    "theta": "loss concentration",
    "lr": "learning rate",
    "weight_decay": "weight decay",
    "label_smoothing": "label smoothing",
}
"""Words for the knobs that studies turn most; the others go by their names."""

ROWS = {"accuracy": "mean (%)", "tail": "tail (%)", "stability": "stability (%)"}


def label(knob: str) -> str:
    """The knob's name, with its meaning where it is known."""
    return f"{MEANINGS[knob]} ({knob})" if knob in MEANINGS else knob


def is_log(values: np.ndarray) -> bool:
    """Whether a knob's values ask for a logarithmic axis: positive, and spread over a factor of twenty."""
    finite = values[np.isfinite(values)]
    return bool(len(finite) and finite.min() > 0 and finite.max() / finite.min() > 20)


def knob(frame: pd.DataFrame, values: pd.Series, dropped: pd.DataFrame, looks: dict[str, Look]) -> Drawing:
    """One knob against the three figures, sharing the knob's axis.

    Args:
        frame: The ranking.
        values: The knob's value by configuration key, nan where a method has none or does not turn it.
        dropped: Configurations left at a rung, with their method; marked below.
        looks: How methods are drawn.
    """
    name = str(values.name)
    rows = frame[values.reindex(frame.index).notna()]
    x = values.reindex(rows.index)
    shown = thinned(rows)
    figure, axes = panels(3, 112, sharex=True)
    methods = [method for method in looks if method in set(rows["method"])]
    for panel, (figure_name, word) in zip(axes, ROWS.items(), strict=True):
        for method in methods:
            part = shown[shown["method"] == method]
            _points(panel, x.reindex(part.index).to_numpy(), part, figure_name, looks[method], bars=len(shown) <= 150)
        _frame_rows(panel, rows[figure_name])
        panel.set_ylabel(word)
    left = values.reindex(dropped.index).dropna()
    for method, part in left.groupby(dropped["method"].reindex(left.index)):
        axes[-1].plot(
            thinned(part.to_frame())[name],
            np.full(len(thinned(part.to_frame())), 0.02),
            "|",
            color=looks[str(method)].colour,
            ms=4,
            mew=0.6,
            transform=axes[-1].get_xaxis_transform(),
            clip_on=False,
        )
    if is_log(x.to_numpy()):
        axes[-1].set_xscale("log")
        axes[-1].xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if x.max() / x.min() < 1e3 else (1.0,)))
        axes[-1].xaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
        axes[-1].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes[-1].set_xlabel(label(name))
    used = key(figure, [(method, looks[method]) for method in methods])
    margins(figure, top=used + 2, between=0.1)
    counted = ", ".join(f"{method} {(rows['method'] == method).sum():,}" for method in methods)
    thin = f" ({len(shown):,} drawn)" if len(shown) < len(rows) else ""
    bars = "; bars are 95 % intervals of the mean over retrainings" if len(shown) <= 150 else ""
    ticks = f" Ticks at the bottom: {len(left):,} configurations dropped at a rung." if len(left) else ""
    return Drawing(
        f"knob-{name}",
        f"{label(name)[0].upper()}{label(name)[1:]}",
        f"Each point is a configuration{bars}. n = {len(rows):,}: {counted}{thin}.{ticks}",
        figure,
    )


def _points(axes: Axes, x: np.ndarray, part: pd.DataFrame, name: str, look: Look, *, bars: bool) -> None:
    if bars:
        axes.vlines(x, 100 * part[f"{name}_low"], 100 * part[f"{name}_high"], color=look.colour, lw=0.5, alpha=0.35)
    axes.plot(x, 100 * part[name], look.shape, color=look.colour, ms=3, mew=0, alpha=0.75 if bars else 0.4)


def _frame_rows(axes: Axes, values: pd.Series) -> None:
    """The upper three quarters in full; what lies far below is marked at the edge."""
    known = 100 * values.dropna().to_numpy()
    if len(known) < 2 or np.ptp(known) == 0:
        return
    low, high = np.quantile(known, [0.25, 1])
    least = max(known.min(), low - 2 * (high - low))
    pad = 0.08 * (high - least)
    axes.set_ylim(least - pad, high + pad)
    outside = int((known < least - 1e-9).sum())
    if outside:
        axes.text(0.99, 0.03, f"{outside} below", transform=axes.transAxes, ha="right", va="bottom", fontsize=6.5, color=MUTED)
