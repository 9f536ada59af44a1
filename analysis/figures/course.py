"""The course of the search: best so far, hypervolume, what halving dropped, and what it cost."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.figures.style import FAINT, INK, MUTED, Drawing, Look, margins, name_ends, panels, room
from trainables.evidence import FAILED

Steps = tuple[NDArray[np.float64], NDArray[np.float64]]


def best_so_far(found: Mapping[str, Steps], looks: dict[str, Look]) -> Drawing:
    """The best utility after each configuration tried, by method: (configurations tried, best shrunken utility so far)."""
    figure, (axes,) = panels(height=66)
    ends = []
    longest = max(float(steps[0][-1]) for steps in found.values())
    for method, (tried, best) in found.items():
        steps = np.flatnonzero(np.diff(best, prepend=-np.inf) > 0)
        x, y = np.append(tried[steps], longest), np.append(best[steps], best[-1])
        axes.step(x, 100 * y, where="post", color=looks[method].colour, lw=1.3)
        ends.append((method, longest, 100 * float(best[-1])))
    low, high = axes.get_ylim()
    starts = sorted(100 * float(best[0]) for _, best in found.values())
    axes.set_ylim(bottom=max(low, min(starts[len(starts) // 4], *[end for _, _, end in ends]) - 0.1 * (high - low)))
    axes.set(xlabel="configurations tried, dropped ones included", ylabel="best utility so far (%)", xlim=(0, longest))
    margins(figure, right=room(name for name, *_ in ends), top=3)
    name_ends(figure, axes, ends, [looks[method].colour for method, _, _ in ends])
    caption = (
        "Utility shrunken towards the other configurations, so that the line does not climb on luck alone, by the configuration's "
        "number in its method."
    )
    return Drawing("progress", "Best so far", caption, figure)


def hypervolume(members: NDArray[np.float64], volume: NDArray[np.float64], names: str) -> Drawing:
    """Share of the final front's hypervolume after so many members."""
    figure, (axes,) = panels(height=58)
    axes.step(members, 100 * volume / float(volume[-1]), where="post", color=INK, lw=1.3)
    axes.set(xlabel="members trained", ylabel="hypervolume (% of the last)", ylim=(0, 104))
    axes.grid(color=FAINT)
    margins(figure, top=3)
    caption = (
        f"Volume that the front over {names} encloses above the median configuration, methods taken in turn by configuration number. A "
        f"line that is still rising at the end says that more configurations would widen the front. n = {members[-1]:,.0f} members."
    )
    return Drawing("hypervolume", "Hypervolume against members trained", caption, figure)


def halving(survivors: pd.DataFrame, looks: dict[str, Look]) -> Drawing:
    """Configurations of each method in training by epoch; rows methods, columns epochs, values counts."""
    figure, (axes,) = panels(height=58)
    ends = []
    epochs = survivors.columns.to_numpy(float)
    for method, row in survivors.iterrows():
        share = 100 * row.to_numpy(float) / max(float(row.iloc[0]), 1.0)
        axes.step(epochs, share, where="pre", color=looks[str(method)].colour, lw=1.3)
        ends.append((str(method), float(epochs[-1]), float(share[-1])))
    axes.set(xlabel="epoch", ylabel="configurations still trained (%)", ylim=(0, 104), xlim=(0, epochs[-1]))
    margins(figure, right=room(name for name, *_ in ends), top=3)
    name_ends(figure, axes, ends, [looks[method].colour for method, _, _ in ends])
    counted = ", ".join(f"{method} {row.iloc[0]:.0f}" for method, row in survivors.iterrows())
    return Drawing(
        "halving",
        "What halving dropped, and when",
        f"Share of each method's configurations that trained on to each epoch. n at the start: {counted}.",
        figure,
    )


def cost(hours: pd.DataFrame, looks: dict[str, Look]) -> Drawing:
    """Training time by method, split by what became of it; rows methods, columns kept, dropped, and each way to fail (hours)."""
    figure, (axes,) = panels(1, 18 + 6 * len(hours))
    most = hours.sum(axis=1).max()
    unit, word = (1.0, "hours") if most >= 2 else (60.0, "minutes") if most >= 2 / 60 else (3600.0, "seconds")
    for place, (method, row) in enumerate(hours.iterrows()):
        left = 0.0
        for name, alpha in (("kept", 1.0), ("dropped", 0.45), *((name, 0.2) for name in FAILED)):
            axes.barh(place, unit * row[name], left=left, height=0.6, color=looks[str(method)].colour, alpha=alpha, lw=0)
            left += unit * float(row[name])
        axes.annotate(f"{left:,.1f}", (left, place), (2, 0), textcoords="offset points", va="center", fontsize=6.5, color=INK)
    axes.set(
        yticks=range(len(hours)),
        yticklabels=[str(method) for method in hours.index],
        ylim=(len(hours) - 0.4, -0.6),
        xlabel=f"training time ({word})",
    )
    axes.set_xlim(0, 1.16 * max(unit * float(hours.sum(axis=1).max()), 1e-9))  # room for the last number
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_color(MUTED)
    margins(figure, left=25, top=3)
    failed = " or ".join(name for name in FAILED if hours[name].sum() > 0)
    caption = (
        "Members' shares of their groups' training time. Full colour: seeds trained to the end; lighter: dropped at a rung"
        f"{failed and f'; lightest: {failed}'}."
    )
    return Drawing("cost", "Cost by method", caption, figure)
