"""What a mixing made of pairs of pictures: the sources, and for each ratio the mask and the mixed picture."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.style import WIDTH, Drawing

PAIRS = 3
"""Pairs drawn."""


def page(name: str, kept: dict[str, Any]) -> Drawing:
    """A page of mixed pictures of one member.

    Args:
        name: The method's name in the study.
        kept: first, second (P, channels, H, W), share (P, R, H, W), mixed (P, R, channels, H, W), ratio (R,), and configuration, seed.
    """
    pairs, ratios = min(PAIRS, len(kept["first"])), kept["ratio"]
    figure = Figure(figsize=(WIDTH, WIDTH / (2 + len(ratios)) * 2 * pairs + 0.25))
    axes = figure.subplots(2 * pairs, 2 + len(ratios), squeeze=False)
    for one in axes.ravel():
        one.set_axis_off()
    for pair in range(pairs):
        mixed, mask = axes[2 * pair], axes[2 * pair + 1]
        _show(mixed[0], kept["first"][pair])
        _show(mixed[-1], kept["second"][pair])
        for place in range(len(ratios)):
            _show(mixed[1 + place], kept["mixed"][pair, place])
            mask[1 + place].imshow(1 - kept["share"][pair, place], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    titles = ["first", *(f"$\\lambda$ = {ratio:.2f}" for ratio in ratios), "second"]
    for one, title in zip(axes[0], titles, strict=True):
        one.set_title(title, fontsize=6, loc="center", pad=2)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.01, top=1 - 0.25 / figure.get_size_inches()[1], wspace=0.06, hspace=0.06)
    caption = (
        f"{name} {int(kept['configuration'])}, seed {int(kept['seed'])}: each pair of training pictures as the network is given it, for "
        "rising lambda, the share of the first one's label; below each the mask, white where the first picture shows."
    )
    return Drawing(f"mixtures-{name}", f"What {name} mixes", caption, figure)


def _show(axes: Any, picture: NDArray[np.floating]) -> None:
    shown = np.moveaxis(picture, 0, -1)
    low, high = shown.min(), shown.max()
    scaled = (shown - low) / max(high - low, 1e-12)
    axes.imshow(scaled[..., 0] if scaled.shape[-1] == 1 else scaled, cmap="gray", interpolation="nearest")
