"""Learning curves, with the range of the seeds."""

import re
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from analysis.figures.style import Drawing, Look, margins, name_ends, panels, room

WORDS = {
    "sharpness_common": "common sharpness (nat)",
    "sharpness": "own sharpness (nat)",
    "risk": "risk (nat)",
    "gap": "gap (nat)",
    "accuracy": "mean accuracy (%)",
    "tail": "tail score (%)",
    "loss": "cross-entropy (nat)",
    "train_loss": "training loss (nat)",
    "lr": "learning rate",
    "ascending": "share in ascent (%)",
    "radius": "learned radius",
    "group_weight": "weight by group",
    "cohesion": "cohesion (-1 to 1)",
    "separability": "separability (0 to 2)",
}
SHARES = {"accuracy", "tail", "ascending"}

NUMBERED = re.compile(r"(.+)_(\d+)")
"""Names of curves that belong together."""

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
    margins(figure, left=15, top=3, right=room(curves), between=0.1)
    labelled = []
    for panel, name in zip(axes, names, strict=True):
        ends = []
        for text, (method, found) in curves.items():
            if name in found:
                ends.append((text, method, _line(panel, found[name] * (100 if name in SHARES else 1), looks[method].colour)))
        _near_the_end(panel, [end[1] for _, _, end in ends], rising=name in SHARES)
        panel.set_ylabel(WORDS[name])
        labelled.append((panel, ends))
    axes[-1].set_xlabel("epoch")
    _label(figure, labelled, looks)
    counts = sorted({len(next(iter(found.values()))) for _, found in curves.values()})
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    caption = (
        f"The best configuration of each method on the {split} split: the line is the mean of its seeds (n = {seeds}), the band their "
        "range."
    )
    return Drawing("curves", "The best configuration of each method", caption, figure)


def _line(axes: Axes, values: NDArray[np.float64], colour: str) -> tuple[float, float]:
    """Draw mean and range over seeds of (seeds, epochs); returns the last point."""
    epochs = np.arange(1, values.shape[1] + 1)
    taken = np.isfinite(values).any(0)
    x, inside = epochs[taken], values[:, taken]
    middle = np.nanmean(inside, axis=0)
    axes.fill_between(x, np.nanmin(inside, axis=0), np.nanmax(inside, axis=0), color=colour, alpha=0.18, lw=0)
    axes.plot(x, middle, color=colour, lw=1.2)
    return float(x[-1]), float(middle[-1])


def _label(figure: Figure, labelled: list[tuple[Axes, list[tuple[str, str, tuple[float, float]]]]], looks: dict[str, Look]) -> None:
    """Name the lines of all panels, once their common axis is settled."""
    labelled[-1][0].xaxis.set_major_locator(MaxNLocator(5, integer=True))
    last = max((end[0] for _, ends in labelled for _, _, end in ends), default=1.0)
    for panel, ends in labelled:
        panel.set_xlim(0, last)
        name_ends(figure, panel, [(text, *end) for text, _, end in ends], [looks[method].colour for _, method, _ in ends])


def _near_the_end(axes: Axes, ends: list[float], *, rising: bool) -> None:
    """Leave out the beginning of training, which would squeeze the differences that matter."""
    low, high = axes.get_ylim()
    if rising:
        axes.set_ylim(max(low, min(ends) - 0.35 * (high - low)), high)
    else:
        axes.set_ylim(low, min(high, max(ends) + 0.35 * (high - low)))


def others(curves: Mapping[str, tuple[str, Curves]], looks: dict[str, Look]) -> list[Drawing]:
    """Whatever else was recorded, three panels a figure: a panel a name, a line a configuration; numbered ones by themselves."""
    rest = {
        name: values for _, found in curves.values() for name, values in found.items() if name not in {"accuracy", "tail", "loss", "lr"}
    }
    listed = [name for name, values in rest.items() if np.isfinite(values).any(0).sum() > 1 and not NUMBERED.fullmatch(name)]
    drawn = []
    for start in range(0, len(listed), 3):
        some = listed[start : start + 3]
        figure, axes = panels(len(some), 36 * len(some) + 12, sharex=True)
        margins(figure, left=15, top=3, right=room(curves), between=0.1)
        labelled = []
        for panel, name in zip(axes, some, strict=True):
            ends = [
                (text, method, _line(panel, found[name] * (100 if name in SHARES else 1), looks[method].colour))
                for text, (method, found) in curves.items()
                if name in found
            ]
            labelled.append((panel, ends))
            panel.set_ylabel(_words(name))
        axes[-1].set_xlabel("epoch")
        _label(figure, labelled, looks)
        caption = "As recorded in training, for the same configurations; line the mean of the seeds, band their range."
        drawn.append(
            Drawing(
                f"curves-{start // 3 + 2}", f"Also recorded: {', '.join(_words(name).partition(' (')[0] for name in some)}", caption, figure
            )
        )
    return [*drawn, *_numbered(curves, looks)]


def _numbered(curves: Mapping[str, tuple[str, Curves]], looks: dict[str, Look]) -> list[Drawing]:
    """What was recorded under numbers (`group_weight_0`, ...), which is one thing: a figure a configuration, a line a number."""
    drawn = []
    for text, (method, found) in curves.items():
        series: dict[str, dict[int, NDArray[np.float64]]] = {}
        for name, values in found.items():
            match = NUMBERED.fullmatch(name)
            if match:
                series.setdefault(match[1], {})[int(match[2])] = values
        for stem, lines in series.items():
            figure, (axes,) = panels(height=66)
            margins(figure, left=15, top=3, right=room(map(str, lines)))
            ends = [(str(number), method, _line(axes, lines[number], looks[method].colour)) for number in sorted(lines)]
            axes.set(ylabel=_words(stem), xlabel="epoch")
            _label(figure, [(axes, ends)], looks)
            caption = f"As recorded in training of {text}, by number; line the mean of the seeds, band their range."
            drawn.append(Drawing(f"curves-{stem}-{len(drawn) + 1}", f"Also recorded: {_words(stem)} of {text}", caption, figure))
    return drawn


def _words(name: str) -> str:
    """What a curve shows, with its unit if it has one."""
    return WORDS.get(name, name.replace("_", " "))
