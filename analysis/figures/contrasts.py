"""Methods compared: all their configurations side by side, and the gain of each method's best over ERM."""

import numpy as np
import pandas as pd

from analysis.figures.style import INK, MUTED, WORDS, Drawing, Look, margins, name_rows, panels
from analysis.figures.thinned import seeds_stated, thinned


def spread(frame: pd.DataFrame, looks: dict[str, Look]) -> Drawing:
    """Every configuration of every method by its mean and tail, the median marked."""
    methods = [method for method in looks if method in set(frame["method"])]
    figure, axes = panels(1, 17 + 6 * len(methods), columns=2)
    for panel, name in zip(axes, ("accuracy", "tail"), strict=True):
        values = 100 * frame[name]
        low = max(values.min(), values.quantile(0.25) - 1.5 * (values.max() - values.quantile(0.25)))
        for place, method in enumerate(methods):
            part = 100 * thinned(frame[frame["method"] == method].sort_index(), 200)[name]
            offset = 0.22 * (np.arange(len(part)) % 5 - 2) / 2
            panel.plot(part, place + offset, looks[method].shape, color=looks[method].colour, ms=2.5, mew=0, alpha=0.55)
            panel.plot([100 * frame.loc[frame["method"] == method, name].median()] * 2, [place - 0.38, place + 0.38], color=INK, lw=1.4)
        panel.set(ylim=(len(methods) - 0.4, -0.6), yticks=[], xlabel=f"{WORDS[name]} (%)")
        if values.max() > low:
            panel.set_xlim(low - 0.04 * (values.max() - low), values.max() + 0.04 * (values.max() - low))
        panel.grid(axis="y", visible=False)
    name_rows(axes[0], methods, [looks[method].colour for method in methods])
    margins(figure, left=25, top=3, bottom=10)
    counted = ", ".join(f"{method} {(frame['method'] == method).sum():,}" for method in methods)
    caption = (
        f"Each point is a configuration ({seeds_stated(frame)}), the bar its method's median: what a method gives before tuning. n: "
        f"{counted}."
    )
    return Drawing("methods", "All configurations of each method", caption, figure)


def gains(contrasts: pd.DataFrame, looks: dict[str, Look]) -> Drawing:
    """Gain of each method's best configuration over ERM, mean and tail, with 95 % intervals."""
    methods = list(dict.fromkeys(contrasts["method"]))
    figure, axes = panels(1, 17 + 6 * len(methods), columns=2)
    for panel, name in zip(axes, ("accuracy", "tail"), strict=True):
        part = contrasts[contrasts["figure"] == name].set_index("method")
        for place, method in enumerate(methods):
            row, look = part.loc[method], looks[method]
            panel.hlines(place, 100 * row["low"], 100 * row["high"], color=look.colour, lw=1.2)
            panel.plot(100 * row["gain"], place, look.shape, color=look.colour, ms=4.5, mew=0)
        panel.axvline(0, color=MUTED, lw=0.8)
        panel.set(ylim=(len(methods) - 0.4, -0.6), yticks=[], xlabel=f"gain in {'mean' if name == 'accuracy' else name} (points)")
        panel.grid(axis="y", visible=False)
    name_rows(axes[0], methods, [looks[method].colour for method in methods])
    margins(figure, left=25, top=3, bottom=10)
    caption = (
        "Each method's best configuration less ERM's, with 95 % intervals of the difference over retrainings, not corrected for their "
        f"number. n = {int(contrasts['seeds'].min())} seeds or more each."
    )
    return Drawing("gains", "Gain over ERM", caption, figure)
