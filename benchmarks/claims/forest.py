"""A claim's comparisons as a picture: one row a comparison, its difference with the 95 % interval, in the colour of its verdict."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from analysis.figures.style import FAINT, INK, MUTED, SERIES
from benchmarks.claims.claim import FAILS, HOLDS, OPEN, SCALES
from benchmarks.claims.verdict import Finding

LOOKS = {HOLDS: (SERIES[2], "o"), FAILS: (SERIES[1], "s"), OPEN: (MUTED, "D")}
ROW, HEAD, WIDTH = 0.21, 0.62, 6.6
"""Inches."""

WIDE, LINEAR = 24, 4
"""In units of what matters: where a difference lies beyond the first, the axis is logarithmic beyond the second."""


def forest(found: Sequence[Finding]) -> Figure:
    """All comparisons, a panel for each figure that is compared; right of the line is better for the method named first."""
    groups = {
        name: [finding for finding in found if finding.part.figure == name] for name in dict.fromkeys(one.part.figure for one in found)
    }
    heights = [ROW * len(group) + HEAD for group in groups.values()]
    figure = Figure(figsize=(WIDTH, sum(heights)))
    above = sum(heights)
    for (name, group), height in zip(groups.items(), heights, strict=True):
        above -= height
        panel = figure.add_axes((0.47, (above + 0.38) / sum(heights), 0.5, ROW * len(group) / sum(heights)))
        scale = SCALES[name]
        for place, finding in enumerate(group):
            colour, shape = LOOKS[finding.verdict]
            panel.hlines(place, scale.factor * finding.low, scale.factor * finding.high, color=colour, lw=1.2)
            panel.plot(scale.factor * finding.gain, place, shape, color=colour, ms=4.5, mew=0)
            if finding.part.least:
                panel.plot([scale.factor * finding.part.least] * 2, [place - 0.4, place + 0.4], color=INK, lw=0.8)
        if max(abs(end) for finding in group for end in (finding.low, finding.high)) > WIDE * scale.matters:
            panel.set_xscale("symlog", linthresh=LINEAR * scale.factor * scale.matters, linscale=2)
            panel.xaxis.set_major_formatter(ScalarFormatter())
        panel.axvline(0, color=INK, lw=0.8, zorder=0)
        panel.axvspan(0, scale.factor * scale.matters, color=FAINT, alpha=0.6, lw=0, zorder=-1)
        panel.set_yticks(range(len(group)), [label(finding) for finding in group])
        panel.tick_params(axis="y", length=0)
        panel.set_ylim(len(group) - 0.5, -0.5)
        panel.set_xlabel(axis_of(name))
    return figure


def label(finding: Finding) -> str:
    """What a row compares."""
    part = finding.part
    return f"{part.method} against {part.other} · {part.study}"


def axis_of(name: str) -> str:
    """What a panel's axis measures, in the direction that is better."""
    scale = SCALES[name]
    unit = {"%": "points", "": ""}.get(scale.unit, scale.unit)
    words = f"{scale.title}, {'higher' if scale.sign > 0 else 'lower'} by"
    return f"{words} ({unit})" if unit else words
