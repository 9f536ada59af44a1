"""Learning curves, with the range of the seeds."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from analysis.figures.style import INK, Drawing, Look, margins, panels, spaced

WORDS = {
    "accuracy": "mean accuracy (%)",
    "tail": "tail score (%)",
    "loss": "cross-entropy (nat)",
    "train_loss": "training loss (nat)",
    "lr": "learning rate",
}
SHARES = {"accuracy", "tail", "gap"}

Curves = dict[str, NDArray[np.float64]]
"""Name to (seeds, epochs); nan where a figure was not taken."""


def learning(curves: Mapping[str, tuple[str, Curves]], looks: dict[str, Look], split: str) -> Drawing:
    """Accuracy, tail and loss by epoch of the best configuration of each method: line the mean of seeds, band their range.

    Args:
        curves: Label to (method, its curves).
        looks: How methods are drawn.
        split: What the figures were taken on.
    """
    names = [name for name in ("accuracy", "tail", "loss") if any(name in found for _, found in curves.values())]
    figure, axes = panels(len(names), 36 * len(names) + 12, sharex=True)
    for panel, name in zip(axes, names, strict=True):
        ends = []
        for text, (method, found) in curves.items():
            if name in found:
                ends.append((text, method, _line(panel, found[name] * (100 if name in SHARES else 1), looks[method].colour)))
        _name_ends(panel, ends, looks)
        panel.set_ylabel(WORDS[name])
        if name in SHARES and ends:
            panel.set_ylim(bottom=max(0, min(end[1] for _, _, end in ends) - 30))
    axes[-1].set_xlabel("epoch")
    margins(figure, top=3, right=24, between=0.1)
    counts = sorted({len(next(iter(found.values()))) for _, found in curves.values()})
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    caption = f"The best configuration of each method on the {split} split: the line is the mean of its seeds (n = {seeds}), the band their range."
    return Drawing("curves", "Learning curves", caption, figure)


def _line(axes: Axes, values: NDArray[np.float64], colour: str) -> tuple[float, float]:
    """Draw mean and range over seeds of (seeds, epochs); returns the last point."""
    epochs = np.arange(1, values.shape[1] + 1)
    taken = np.isfinite(values).any(0)
    x, inside = epochs[taken], values[:, taken]
    middle = np.nanmean(inside, axis=0)
    axes.fill_between(x, np.nanmin(inside, axis=0), np.nanmax(inside, axis=0), color=colour, alpha=0.18, lw=0)
    axes.plot(x, middle, color=colour, lw=1.2)
    return float(x[-1]), float(middle[-1])


def _name_ends(axes: Axes, ends: list[tuple[str, str, tuple[float, float]]], looks: dict[str, Look]) -> None:
    if not ends:
        return
    low, high = axes.get_ylim()
    places = spaced([end[1] for _, _, end in ends], 0.105 * (high - low))
    for (text, method, (x, y)), place in zip(ends, places, strict=True):
        axes.annotate(
            text,
            (x, y),
            (axes.get_xlim()[1], place),
            textcoords="data",
            color=looks[method].colour or INK,
            fontsize=6.5,
            va="center",
            ha="left",
            arrowprops={"arrowstyle": "-", "lw": 0.4, "color": looks[method].colour, "shrinkA": 0, "shrinkB": 0},
            annotation_clip=False,
        )
