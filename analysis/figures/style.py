"""The house style: one column of a journal wide (85 mm), legible in print, safe for the colour-blind, light and dark.

Colours are drawn as in print on white; in the page they become CSS variables, so that one SVG serves both themes. Text stays text.
"""

import io
import math
import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

WIDTH = 85 / 25.4
"""Inches."""

INK, MUTED, FAINT = "#1c2126", "#66707a", "#d5dae0"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#ad3aff", "#7a2013", "#1b9fac", "#51395c")
"""Blue, vermillion and green of Okabe and Ito (2008; *read*), and four more found by search: any two of the seven are far apart in sight
with and without red-green blindness, and each is dark enough for text on white (ours)."""

SHAPES = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
BASELINE_COLOUR, BASELINE_SHAPE = MUTED, "o"

VARIABLES = {INK: "--ink", MUTED: "--muted", FAINT: "--faint", **{colour: f"--series-{place + 1}" for place, colour in enumerate(SERIES)}}
"""Colour drawn to CSS variable of the page."""

STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.formatter.useoffset": False,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 8,
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "lines.markersize": 4,
    "path.simplify": True,
    "pdf.fonttype": 3,
    "savefig.dpi": 300,
    "svg.fonttype": "none",
    "svg.hashsalt": "altiplano",
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "xtick.minor.size": 1.5,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 7.5,
    "ytick.major.size": 2.5,
    "ytick.major.width": 0.6,
}

WORDS = {"accuracy": "mean accuracy", "tail": "tail score", "stability": "stability", "utility": "utility"}
"""The figures as axes name them; all in percent. Stability is 1 - churn, the chance that two retrainings agree on an example."""

# Fonts go into a PDF as Type 3: embedding the whole face as Type 42 costs .3 s a figure, three times all the rest.

FONTS = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
"""Fonts of the page; none is much wider than the one that the layout was measured with."""


class Drawing(NamedTuple):
    """A figure: file name, title (what it says), caption (how to read it: units, intervals, n) and the matplotlib figure."""

    name: str
    title: str
    caption: str
    figure: Figure


class Look(NamedTuple):
    """How a method is drawn everywhere."""

    colour: str
    shape: str


def looks(methods: Sequence[str], baseline: str) -> dict[str, Look]:
    """A colour and a shape for each method, by its place in the study file; ERM is grey. Beyond seven methods colours come round."""
    others = [method for method in methods if method != baseline]
    found = {
        method: Look(SERIES[place % len(SERIES)], SHAPES[(place + place // len(SERIES)) % len(SHAPES)])
        for place, method in enumerate(others)
    }
    return {baseline: Look(BASELINE_COLOUR, BASELINE_SHAPE), **found}


def house() -> AbstractContextManager[None]:
    """The context in which figures are drawn and saved: matplotlib reads its settings when an artist is made."""
    return mpl.rc_context(STYLE)


def panels(rows: int = 1, height: float = 62, *, columns: int = 1, sharex: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure one column wide with stacked panels; `height` in mm of the whole."""
    figure = Figure(figsize=(WIDTH, height / 25.4))
    axes = figure.subplots(rows, columns, sharex=sharex, squeeze=False)
    for one in axes.ravel():
        one.locator_params(nbins=5 if columns == 1 else 3)
    return figure, list(axes.ravel())


def margins(figure: Figure, left: float = 14, right: float = 3, top: float = 6, bottom: float = 10, between: float = 0.18) -> None:
    """Set the margins, in mm. Fixed, not fitted: fitting draws everything twice."""
    width, height = (25.4 * size for size in figure.get_size_inches())
    figure.subplots_adjust(
        left=left / width, right=1 - right / width, top=1 - top / height, bottom=bottom / height, hspace=between, wspace=0.25
    )


def key(figure: Figure, entries: Sequence[tuple[str, Look]], top: float = 1.0) -> float:
    """Name the methods above the plot, each in its colour behind its marker; returns the height used, in mm."""
    width, height = (25.4 * size for size in figure.get_size_inches())
    x, y = 2.0, 1.8 + top
    for name, look in entries:
        length = 4.5 + 1.42 * len(name)
        if x + length > width and x > 2:
            x, y = 2.0, y + 3.4
        figure.add_artist(Line2D([(x + 0.8) / width], [1 - y / height], marker=look.shape, color=look.colour, ls="", ms=3.5))
        figure.text((x + 2.4) / width, 1 - y / height, name, color=look.colour, fontsize=7, va="center", ha="left")
        x += length
    return y + 1.8


def unknown(axes: Axes, why: str = "needs two seeds") -> None:
    """A panel of nothing says why, without the numbers that an empty axis makes up; the axis that it shares keeps its own."""
    axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", fontsize=7, color=MUTED)
    axes.tick_params(axis="y", length=0, labelleft=False)


def write(axes: Axes, x: float, y: float, text: str, colour: str = INK, size: float = 7, **more: Any) -> None:
    """Text at a data point, not clipped."""
    axes.text(x, y, text, color=colour, fontsize=size, clip_on=False, **more)


def name_rows(axes: Axes, names: Sequence[str], colours: Sequence[str]) -> None:
    """Names left of the rows 0, 1, ... of a horizontal figure, each in its colour."""
    for place, (name, colour) in enumerate(zip(names, colours, strict=True)):
        write(axes, -0.07, place, name, colour, ha="right", va="center", transform=axes.get_yaxis_transform())


def room(names: Iterable[str]) -> float:
    """Right margin, in mm, that `name_ends` needs for its names; never more than leaves the lines half of the figure's width."""
    return min(6.0 + 1.55 * max(map(len, names), default=0), 25.4 * WIDTH / 2)


def name_ends(figure: Figure, axes: Axes, ends: Sequence[tuple[str, float, float]], colours: Sequence[str]) -> None:
    """Names at the right ends (x, y) of lines, pushed apart where lines end together, with a thin leader each."""
    low, high = axes.get_ylim()
    right = axes.get_xlim()[1]
    step = 8.2 * (high - low) / (72 * axes.get_position().height * figure.get_figheight())  # 8.2 points in data units
    places = spaced([y for _, _, y in ends], step, low + step / 4, high - step / 4)
    width = right - axes.get_xlim()[0]
    edge = right + 0.06 * width
    for (name, x, y), place, colour in zip(ends, places, colours, strict=True):
        axes.plot([x, edge], [y, place], color=colour, lw=0.4, clip_on=False, scalex=False, scaley=False)
        write(axes, edge + 0.015 * width, place, name, colour, ha="left", va="center")
    axes.set_ylim(low, high)


def spaced(values: Sequence[float], least: float, low: float = -math.inf, high: float = math.inf) -> list[float]:
    """Positions for labels near their values, at least `least` apart and within [low, high] where they fit.

    Labels that would touch move as a group, centred on their values.
    """
    order = sorted(range(len(values)), key=lambda place: values[place])
    groups: list[list[float]] = []
    for place in order:
        groups.append([values[place], 1])
        while len(groups) > 1 and _edge(groups[-1], -1, least, low, high) - _edge(groups[-2], 1, least, low, high) < least:
            (above, many), (below, more) = groups.pop(), groups.pop()
            groups.append([(above * many + below * more) / (many + more), many + more])
    placed = [_edge(group, -1, least, low, high) + least * step for group in groups for step in range(int(group[1]))]
    found = [0.0] * len(values)
    for place, position in zip(order, placed, strict=True):
        found[place] = position
    return found


def _edge(group: Sequence[float], side: int, least: float, low: float, high: float) -> float:
    """The lowest (-1) or highest (1) position of a group of labels, moved into [low, high]."""
    half = least * (group[1] - 1) / 2
    centre = max(min(group[0], high - half), low + half)
    return centre + side * half


def svg(drawing: Drawing) -> str:
    """The figure as an SVG element for the page: colours as CSS variables, ids of its own, no size but its proportions."""
    buffer = io.StringIO()
    drawing.figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda match: f' id="{drawing.name}-{match[1]}"' if match[1] in used else "", text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{drawing.name}-", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    text = re.sub(r"font: ([^;\"]*?)'DejaVu Sans'[^;\"]*", rf"font: \g<1>{FONTS}", text)
    width, height = drawing.figure.get_size_inches()
    opening = f'<svg class="drawing" viewBox="0 0 {72 * width:g} {72 * height:g}" role="img" aria-label="{_attribute(drawing.title)}" '
    return re.sub(
        r"<svg [^>]*?(?=xmlns:xlink|xmlns=)[^>]*>",
        f'{opening}xmlns:xlink="http://www.w3.org/1999/xlink" xmlns="http://www.w3.org/2000/svg">',
        text,
        count=1,
    )


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
