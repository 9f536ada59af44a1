"""Methods over several studies and data sets."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.across import Aggregate, Critical, Floats
from analysis.figures.style import FAINT, INK, MUTED, Drawing, Look, margins, name_ends, name_rows, panels, room, write
from analysis.figures.thinned import seeds_stated

ROW = 4.2
"""Height of a row, mm."""


def gains(best: pd.DataFrame, looks: dict[str, Look]) -> Drawing:
    """Gain in utility over ERM of each method's best configuration, study by study."""
    told = best[best["gain"].notna()].sort_values("gain", ascending=False, kind="stable")
    lines = _lines(told, list(dict.fromkeys(best["study"])))
    figure, (axes,) = panels(1, 18 + ROW * len(lines))
    for place, row in enumerate(lines):
        if not isinstance(row, str):
            _mark(axes, place, row, "gain", ("low", "high"), looks[row["method"]])
    axes.axvline(0, color=MUTED, lw=0.8)
    _name_lines([axes], lines, looks)
    axes.set_xlabel("gain in utility over ERM (points)")
    margins(figure, left=28, top=3)
    caption = (
        "Best configuration of each method less its study's ERM, with 95 % intervals over retrainings. n = "
        f"{told['study'].nunique()} studies, {told['seeds'].min():.0f} seeds or more a configuration."
    )
    return Drawing("gains-by-study", "Gain over ERM, study by study", caption, figure)


def levels(frame: pd.DataFrame, looks: dict[str, Look], number: str) -> Drawing:
    """Mean and tail of each method's best configuration, study by study."""
    lines = _lines(frame, list(dict.fromkeys(frame["study"])))
    figure, axes = panels(1, 18 + ROW * len(lines), columns=2)
    for panel, name, word in zip(axes, ("accuracy", "tail"), ("mean accuracy (%)", "tail score (%)"), strict=True):
        for place, row in enumerate(lines):
            if not isinstance(row, str):
                _mark(panel, place, row, name, (f"{name}_low", f"{name}_high"), looks[row["method"]])
        panel.set_xlabel(word)
    _name_lines(axes, lines, looks)
    margins(figure, left=28, top=3)
    caption = (
        f"Best configuration of each method, mean over seeds with its 95 % interval over retrainings; n = {seeds_stated(frame)} a "
        "configuration, all on the same examples."
    )
    return Drawing(f"levels{number}", "On the same examples", caption, figure)


def _lines(frame: pd.DataFrame, studies: list[str]) -> list[str | pd.Series]:
    """Rows of a figure: each study's name, and below it its rows of the frame in their order."""
    lines: list[str | pd.Series] = []
    for study in studies:
        part = [row for _, row in frame[frame["study"] == study].iterrows()]
        lines += [study, *part] if part else []
    return lines


def _mark(axes: Axes, place: int, row: pd.Series, middle: str, ends: tuple[str, str], look: Look) -> None:
    if np.isfinite(row[ends[0]]):
        axes.hlines(place, 100 * row[ends[0]], 100 * row[ends[1]], color=look.colour, lw=1.2)
    axes.plot(100 * row[middle], place, look.shape, color=look.colour, ms=4, mew=0)


def _name_lines(axes: Sequence[Axes], lines: Sequence[str | pd.Series], looks: dict[str, Look]) -> None:
    """Names left of the rows, studies in ink and bold, each with a thin rule above."""
    for place, row in enumerate(lines):
        heading = isinstance(row, str)
        text, colour = (row, INK) if heading else (row["method"], looks[row["method"]].colour)
        weight = "bold" if heading else "normal"
        write(axes[0], -0.05, place, text, colour, ha="right", va="center", fontweight=weight, transform=axes[0].get_yaxis_transform())
    for panel in axes:
        for place, row in enumerate(lines):
            if isinstance(row, str) and place:
                panel.axhline(place - 0.5, color=FAINT, lw=0.6)
        panel.set(ylim=(len(lines) - 0.4, -0.6), yticks=[])
        panel.grid(axis="y", visible=False)


def profiles(at: Floats, found: Mapping[str, tuple[Floats, Floats, Floats]], looks: dict[str, Look], runs: int) -> Drawing:
    """Performance profiles."""
    figure, (axes,) = panels(height=70)
    for method, (share, low, high) in found.items():
        axes.fill_between(100 * at, 100 * low, 100 * high, color=looks[method].colour, alpha=0.15, lw=0)
        axes.plot(100 * at, 100 * share, color=looks[method].colour)
    axes.set(xlabel="utility (%)", ylabel="runs above it (%)", ylim=(0, 102), xlim=(100 * at[0], 100 * at[-1]))
    margins(figure, right=room(found), top=3)
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
