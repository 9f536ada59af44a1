"""What the page on radii needs of its own: the radius that each study chooses, and accuracy by radius as a picture."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import statistics
from analysis.figures.style import FAINT, INK, MUTED, SERIES
from benchmarks.claims.claim import Part, Parts, Studies
from benchmarks.claims.evidence import Evidence

STUDIES: Mapping[str, str] = {
    "radius-digits": "digits, mlp",
    "radius-noise": "digits, 40 % wrong labels, mlp",
    "radius-spiral": "spiral, mlp",
    "radius-few": "20 % of digits, mlp",
    "radius-cnn": "20 % of digits, cnn",
}
RADII = (0.01, 0.03, 0.1, 0.3, 1, 3)
SAMS = tuple(f"sam-{radius:g}" for radius in RADII)
STARTS = (0.01, 1)
KINDS = {"lets": ("D", SERIES[1]), "lets-exact": ("^", SERIES[2])}


def chosen(study: Evidence) -> str:
    """SAM at the radius of highest accuracy on the selection split."""
    return study.best(SAMS, "accuracy")


def crossed(one: str, other: str) -> Parts:
    """Each of two studies fares better at its own best radius than at the other's."""
    return lambda studies: [Part(here, chosen(studies[here]), chosen(studies[there])) for here, there in ((one, other), (other, one))]


def close(method: str, margin: float = 0.01) -> Parts:
    """In every study a method is not worse than SAM at its best radius by more than the margin."""
    return lambda studies: [Part(name, method, chosen(studies[name]), "accuracy", -margin) for name in STUDIES]


def moved(method: str, start: float) -> Parts:
    """A method that learns its radius does better than SAM left at the start, wherever that is not the best radius."""
    left = f"sam-{start:g}"
    return lambda studies: [Part(name, f"{method}-{start:g}", left) for name in STUDIES if chosen(studies[name]) != left]


def picture(studies: Studies) -> Figure:
    """Mean accuracy by radius in each study with 95 % intervals: SAM as a line, erm dashed, LETS at the radius that it starts from."""
    figure = Figure(figsize=(6.6, 3.85))
    panels = figure.subplots(2, 3, squeeze=False).ravel()
    for panel, (name, title) in zip(panels, STUDIES.items(), strict=False):
        _draw(panel, studies[name], title)
    for panel in panels[len(STUDIES) :]:
        _explain(panel)
    figure.supxlabel("radius", fontsize=8)
    figure.supylabel("mean accuracy, %", fontsize=8)
    figure.tight_layout(pad=0.6)
    return figure


def _draw(panel: Axes, study: Evidence, title: str) -> None:
    _points(panel, study, RADII, "sam", SERIES[0], marker="o", lw=1)
    for kind, (shape, colour) in KINDS.items():
        _points(panel, study, STARTS, kind, colour, marker=shape, lw=0, zorder=3)
    panel.axhline(interval(study, "erm")[0], color=MUTED, lw=0.9, ls=(0, (3, 2)))
    panel.axvline(float(chosen(study).removeprefix("sam-")), color=FAINT, lw=4, zorder=0)
    panel.set(xscale="log", title=title)


def _points(panel: Axes, study: Evidence, radii: Sequence[float], kind: str, colour: str, **look: Any) -> None:
    found = [interval(study, f"{kind}-{radius:g}") for radius in radii]
    panel.errorbar(radii, [mean for mean, _ in found], [half for _, half in found], color=colour, ms=4, elinewidth=0.9, **look)


def _explain(panel: Axes) -> None:
    """Name what the other panels show, where there is no study to draw."""
    panel.set_axis_off()
    texts = {
        "\N{BLACK CIRCLE} SAM": SERIES[0],
        "\N{BLACK DIAMOND} LETS from there": SERIES[1],
        "\N{BLACK UP-POINTING TRIANGLE} LETS, exact, from there": SERIES[2],
    }
    texts |= {"- - erm": MUTED, "band: chosen": INK}
    for place, (text, colour) in enumerate(texts.items()):
        panel.text(0.0, 0.85 - 0.16 * place, text, color=colour, transform=panel.transAxes)


def interval(study: Evidence, method: str) -> tuple[float, float]:
    """Mean accuracy of a method's fresh seeds in percent, and half of its 95 % interval."""
    values = 100 * study.values(method, "accuracy").to_numpy(float)
    seeds = np.array([float(len(values))])
    half = statistics.half_width(np.array([values.var(ddof=1)]), seeds - 1, seeds)
    return float(values.mean()), float(half[0])
