"""Each knob against mean, tail and stability, with the curve of each method, and how much each knob mattered."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from analysis.figures.style import FAINT, INK, Drawing, Look, key, margins, name_rows, panels, unknown, write
from analysis.figures.thinned import thinned
from analysis.importance import Dependence, is_log
from analysis.table import FIGURES

MEANINGS = {
    "alpha": "mixing ratio",
    "rho": "perturbation radius",
    "penalty": "loss-concentration penalty",
    "concentration_level": "concentration level",
    "theta": "loss level",
    "sigma": "width about the level",
    "level": "share below the tail",
    "flood": "flood level",
    "lr": "learning rate",
    "weight_decay": "weight decay",
    "label_smoothing": "label smoothing",
}
"""Words for the knobs that studies turn most; the others go by their names."""

ROWS = {"accuracy": "mean (%)", "tail": "tail (%)", "stability": "stability (%)"}
BARS = 80
"""Points up to which each carries its interval."""


def label(knob: str) -> str:
    """The knob's name, with its meaning where it is known."""
    return f"{MEANINGS[knob]} ({knob})" if knob in MEANINGS and "_" not in knob else MEANINGS.get(knob, knob.replace("_", " "))


def knob(
    frame: pd.DataFrame,
    values: pd.Series,
    dropped: pd.Series,
    curves: Mapping[tuple[str, str], Dependence],
    looks: dict[str, Look],
) -> Drawing:
    """One knob against the three figures, sharing the knob's axis.

    Args:
        frame: The ranking.
        values: The knob's value by configuration key, nan where a method has none or holds it fixed.
        dropped: Method of each configuration left at a rung, by key; marked below.
        curves: Partial dependence by (method, figure).
        looks: How methods are drawn.
    """
    rows = frame[values.reindex(frame.index).notna()]
    x, shown = values.reindex(rows.index), thinned(rows)
    bars = len(shown) <= BARS
    figure, axes = panels(3, 112, sharex=True)
    methods = [method for method in looks if method in set(rows["method"])]
    for panel, (name, word) in zip(axes, ROWS.items(), strict=True):
        for method in methods:
            part = shown[shown["method"] == method]
            _points(panel, x.reindex(part.index).to_numpy(), part, name, looks[method], bars=bars, faint=bool(curves))
            if (method, name) in curves:
                _curve(panel, curves[method, name], looks[method].colour)
        _frame_rows(panel, rows[name], (rows[name] - rows[f"{name}_low"]).median() if bars else 0.0)
        panel.set_ylabel(word)
    left = values.reindex(dropped.index).dropna()
    _mark_dropped(axes[-1], left, dropped, looks)
    set_scale(axes[-1], x.to_numpy())
    axes[-1].set_xlabel(label(str(values.name)))
    used = key(figure, [(method, looks[method]) for method in methods])
    margins(figure, top=used + 2, between=0.1)
    counted = ", ".join(f"{method} {(rows['method'] == method).sum():,}" for method in methods)
    lines = " Curves: partial dependence of each method with its 95 % band, its other knobs averaged out." if curves else ""
    words = [
        f"Each point is a configuration{', its bar the 95 % interval of the mean over retrainings' if bars else ''}.{lines}",
        f"n = {len(rows):,}: {counted}{f' ({len(shown):,} drawn)' if len(shown) < len(rows) else ''}.",
        f"Ticks at the bottom: {len(left):,} configurations dropped at a rung." if len(left) else "",
    ]
    title = label(str(values.name))
    return Drawing(f"knob-{values.name}", title[0].upper() + title[1:], " ".join(word for word in words if word), figure)


def importance(shares: pd.DataFrame, looks: dict[str, Look], fewest: int) -> Drawing:
    """PED-ANOVA shares of each method's knobs, one panel a figure."""
    pairs = list(dict.fromkeys(zip(shares["method"], shares["knob"], strict=True)))
    figure, axes = panels(1, 16 + 4.2 * len(pairs), columns=3)
    for panel, name in zip(axes, FIGURES, strict=True):
        part = shares[shares["figure"] == name].set_index(["method", "knob"])["share"]
        for place, pair in enumerate(pairs):
            share = 100 * float(part.get(pair, np.nan))
            panel.barh(place, share, color=looks[pair[0]].colour, height=0.65)
            write(panel, share + 3, place, f"{share:.0f}" if np.isfinite(share) else "", va="center")
        panel.set(xlim=(0, 125), ylim=(len(pairs) - 0.4, -0.6), xticks=[0, 50, 100], yticks=[], title=ROWS[name].split(" (")[0])
        panel.grid(axis="y", visible=False)
    name_rows(axes[0], [f"{method} · {name}" for method, name in pairs], [looks[method].colour for method, _ in pairs])
    axes[1].set_xlabel("share of importance (%)")
    margins(figure, left=30, top=6, bottom=9)
    caption = (
        "PED-ANOVA: how much each knob decides whether a configuration is among its method's best (top tenth, at least five). Shares of "
        f"a method sum to 100 % per figure. From n = {fewest:,} configurations or more a method; below fifty the shares are rough."
    )
    return Drawing("importance", "Which knob mattered", caption, figure)


def set_scale(axes: Axes, values: np.ndarray) -> None:
    """Logarithmic with plain numbers where the knob's values ask for it."""
    if not is_log(values):
        return
    axes.set_xscale("log")
    wide = np.nanmax(values) / np.nanmin(values) >= 300
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 3.0)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _points(axes: Axes, x: np.ndarray, part: pd.DataFrame, name: str, look: Look, *, bars: bool, faint: bool) -> None:
    if bars:
        axes.vlines(x, 100 * part[f"{name}_low"], 100 * part[f"{name}_high"], color=look.colour, lw=0.5, alpha=0.3)
    axes.plot(x, 100 * part[name], look.shape, color=look.colour, ms=2.6, mew=0, alpha=0.5 if faint else 0.8)


def _curve(axes: Axes, found: Dependence, colour: str) -> None:
    axes.fill_between(found.along, 100 * (found.mean - found.half), 100 * (found.mean + found.half), color=colour, alpha=0.15, lw=0)
    axes.plot(found.along, 100 * found.mean, color=colour, lw=1.4)


def _mark_dropped(axes: Axes, left: pd.Series, dropped: pd.Series, looks: dict[str, Look]) -> None:
    for method in dict.fromkeys(dropped.reindex(left.index)):
        part = thinned(left[dropped.reindex(left.index) == method].to_frame(), 300).iloc[:, 0]
        bottom = axes.get_xaxis_transform()
        axes.plot(part, np.full(len(part), 0.03), "|", color=looks[str(method)].colour, ms=4, mew=0.6, alpha=0.6, transform=bottom)


def _frame_rows(axes: Axes, values: pd.Series, bar: float) -> None:
    """The upper three quarters in full, with room for a typical bar; what lies far below is counted at the edge."""
    known = 100 * values.dropna().to_numpy()
    if len(known) < 2 or np.ptp(known) == 0:
        if not len(known):
            unknown(axes)
        return
    low, high = np.quantile(known, [0.25, 1])
    least = max(known.min(), low - 1.5 * (high - low))
    pad = max(0.08 * (high - least), 100 * float(np.nan_to_num(bar)))
    axes.set_ylim(least - pad, min(high + pad, max(100.5, high)))
    axes.grid(color=FAINT)
    outside = int((known < axes.get_ylim()[0]).sum())
    if outside:
        axes.text(0.99, 0.03, f"{outside:,} below", transform=axes.transAxes, ha="right", va="bottom", fontsize=6.5, color=INK)
