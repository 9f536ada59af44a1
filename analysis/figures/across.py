"""Methods over several studies and data sets."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.across import Aggregate, Critical, Floats
from analysis.figures.style import INK, MUTED, Drawing, Look, margins, name_ends, name_rows, panels, write


def gains(best: pd.DataFrame, looks: dict[str, Look]) -> Drawing:
    """Gain in utility over ERM of each method's best configuration, study by study."""
    told = best[best["gain"].notna()]
    groups = list(dict.fromkeys(told["study"]))
    rows = [(study, row) for study in groups for _, row in told[told["study"] == study].sort_values("gain", ascending=False).iterrows()]
    figure, (axes,) = panels(1, 18 + 4.4 * len(rows))
    for place, (_, row) in enumerate(rows):
        look = looks[row["method"]]
        if np.isfinite(row["low"]):
            axes.hlines(place, 100 * row["low"], 100 * row["high"], color=look.colour, lw=1.2)
        axes.plot(100 * row["gain"], place, look.shape, color=look.colour, ms=4, mew=0)
    for place in range(1, len(rows)):
        if rows[place][0] != rows[place - 1][0]:
            axes.axhline(place - 0.5, color=MUTED, lw=0.5)
    name_rows(axes, [f"{study} · {row['method']}" for study, row in rows], [looks[row["method"]].colour for _, row in rows])
    axes.axvline(0, color=MUTED, lw=0.8)
    axes.set(ylim=(len(rows) - 0.4, -0.6), yticks=[], xlabel="gain in utility over ERM (points)")
    axes.grid(axis="y", visible=False)
    margins(figure, left=34, top=3)
    caption = (
        f"Best configuration of each method with 95 % intervals over retrainings. n = {len(groups)} studies, {told['seeds'].min():.0f} "
        "seeds or more a configuration."
    )
    return Drawing("gains-by-study", "Gain over ERM, study by study", caption, figure)


def profiles(at: Floats, found: Mapping[str, tuple[Floats, Floats, Floats]], looks: dict[str, Look], runs: int) -> Drawing:
    """Performance profiles."""
    figure, (axes,) = panels(height=70)
    for method, (share, low, high) in found.items():
        axes.fill_between(100 * at, 100 * low, 100 * high, color=looks[method].colour, alpha=0.15, lw=0)
        axes.plot(100 * at, 100 * share, color=looks[method].colour)
    axes.set(xlabel="utility (%)", ylabel="runs above it (%)", ylim=(0, 102), xlim=(100 * at[0], 100 * at[-1]))
    margins(figure, right=20, top=3)
    middle = len(at) // 2
    name_ends(
        figure,
        axes,
        [(method, 100 * at[-1], 100 * float(share[middle])) for method, (share, *_) in found.items()],
        [looks[method].colour for method in found],
    )
    caption = (
        "Share of runs above each utility, data sets weighing equally; bands are 95 % intervals of a bootstrap within data sets. n = "
        f"{runs:,} runs a method or more. Names stand at the height of the middle."
    )
    return Drawing("profiles", "Performance profiles", caption, figure)


def aggregate(found: list[Aggregate], looks: dict[str, Look]) -> Drawing:
    """Interquartile mean and optimality gap."""
    figure, axes = panels(1, 17 + 6 * len(found), columns=2)
    for panel, middle, low, high, word in (
        (axes[0], "middle", "middle_low", "middle_high", "IQM (%)"),
        (axes[1], "gap", "gap_low", "gap_high", "gap (points)"),
    ):
        for place, one in enumerate(found):
            panel.hlines(place, 100 * getattr(one, low), 100 * getattr(one, high), color=looks[one.method].colour, lw=1.2)
            panel.plot(100 * getattr(one, middle), place, looks[one.method].shape, color=looks[one.method].colour, ms=4.5, mew=0)
        panel.set(ylim=(len(found) - 0.4, -0.6), yticks=[], xlabel=word)
        panel.grid(axis="y", visible=False)
    name_rows(axes[0], [one.method for one in found], [looks[one.method].colour for one in found])
    margins(figure, left=25, top=3)
    caption = (
        "Utility over all runs: IQM, the mean of the middle half, and the gap by which runs fall short of 100 %. 95 % intervals of a "
        f"bootstrap within data sets; n = {min(one.runs for one in found):,} runs a method or more."
    )
    return Drawing("aggregates", "Over all data sets", caption, figure)


def critical(found: Critical, looks: dict[str, Look], sets: int) -> Drawing:
    """The critical-difference diagram: mean ranks, and bars over methods that are not told apart."""
    ordered = sorted(found.ranks.items(), key=lambda one: one[1])
    figure, (axes,) = panels(1, 24 + 4.5 * len(ordered))
    for place, (method, rank) in enumerate(ordered):
        axes.plot([rank, rank], [-0.7, place], color=looks[method].colour, lw=0.8)
        axes.plot(rank, place, looks[method].shape, color=looks[method].colour, ms=4, mew=0)
        write(axes, rank + 0.08, place, f"{method} {rank:.2f}", looks[method].colour, va="center")
    level = len(ordered) - 0.2
    for start, (_, rank) in enumerate(ordered):
        last = max(other for _, other in ordered if other - rank <= found.difference)
        before = ordered[start - 1][1] if start else -np.inf
        if last > rank and last - before > found.difference:
            axes.plot([rank, last], [level, level], color=INK, lw=2.2, solid_capstyle="butt")
            level += 0.5
    axes.set(ylim=(level + 0.3, -0.9), yticks=[], xlabel="mean rank over data sets (1 the best)", xlim=(0.8, max(found.ranks.values()) + 1))
    axes.grid(axis="y", visible=False)
    margins(figure, left=5, top=4)
    caption = (
        f"Bars join methods whose mean ranks differ by less than Nemenyi's critical difference of {found.difference:.2f} (5 %); "
        f"Friedman's test over n = {sets} data sets: p = {found.p:.2g}."
    )
    return Drawing("critical", "Critical differences", caption, figure)
