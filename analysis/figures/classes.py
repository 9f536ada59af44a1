"""Accuracy class by class (or group by group), the worst first."""

import numpy as np
from numpy.typing import NDArray

from analysis.figures.style import Drawing, Look, key, margins, panels

SHOWN = 12
"""Parts drawn; with more the worst are."""


def parts(
    name: str, titles: list[str], sizes: NDArray[np.int64], shares: dict[str, tuple[Look, NDArray[np.float64]]], split: str
) -> Drawing:
    """Accuracy on each part of a split of the winner and ERM, every seed a dot.

    Args:
        name: "class" or "group".
        titles: The parts' names. sizes: examples of each.
        shares: Label to (look, accuracy (seeds, parts)); the first decides the order.
        split: What the figures were taken on.
    """
    first = next(iter(shares.values()))[1].mean(0)
    order = np.argsort(first, kind="stable")[:SHOWN]
    figure, (axes,) = panels(1, 20 + 5 * len(order))
    for shift, (look, values) in zip((-0.16, 0.16), shares.values(), strict=False):
        for place, part in enumerate(order):
            axes.plot(100 * values[:, part], np.full(len(values), place + shift), look.shape, color=look.colour, ms=3, mew=0, alpha=0.5)
            axes.plot([100 * values[:, part].mean()] * 2, [place + shift - 0.16, place + shift + 0.16], color=look.colour, lw=1.8)
    axes.set(yticks=range(len(order)), ylim=(len(order) - 0.4, -0.6), xlabel=f"accuracy on the {name} (%)")
    axes.set_yticklabels([f"{titles[part]}  (n = {sizes[part]:,})" for part in order])
    axes.grid(axis="y", visible=False)
    used = key(figure, [(text, look) for text, (look, _) in shares.items()])
    margins(figure, left=28, top=used + 2)
    worst = f"the {len(order)} worst of {len(titles)}" if len(order) < len(titles) else f"all {len(titles)}"
    plural = "classes" if name == "class" else f"{name}s"
    seeds = sorted({len(values) for _, values in shares.values()})
    caption = (
        f"Each dot is a seed (n = {' and '.join(str(seed) for seed in seeds)}), the bar their mean; {worst} {plural} of the {split} "
        "split. The least of several noisy shares is biased downwards, the more so the fewer examples each has."
    )
    return Drawing(
        f"by-{name}", f"The first and ERM, {name} by {name}" if len(shares) > 1 else f"Accuracy {name} by {name}", caption, figure
    )
