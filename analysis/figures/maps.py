"""Two knobs of one method together: maps of mean, tail and stability."""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator
from scipy.spatial import KDTree

from analysis import smooth
from analysis.figures.knobs import ROWS, label
from analysis.figures.style import Drawing, margins, panels
from analysis.figures.thinned import thinned
from analysis.importance import FEWEST, MOST, is_log, scaled
from analysis.table import FIGURES

SIDE = 48
RIM = "#000000"
"""Of marks: the map is as bright in the dark theme, so they must not turn with it."""

NEAR = 0.25
"""How near, in parts of the range, a configuration must lie for the map to speak; elsewhere it is blank."""


def pair(part: pd.DataFrame, values: pd.DataFrame) -> Drawing | None:
    """Maps over two knobs of one method; None where too few configurations finished.

    Args:
        part: The method's rows of the ranking. values: its two knobs, same index, complete.
    """
    rows = part[part["failures"] == 0].sort_index()
    rows = thinned(rows, MOST)
    x = values.loc[rows.index].to_numpy(float)
    if len(rows) < FEWEST or (np.ptp(x, axis=0) <= 0).any():
        return None
    unit = np.stack([scaled(column) for column in x.T], axis=1)
    grid = np.stack(np.meshgrid(*[(np.arange(SIDE) + 0.5) / SIDE] * 2), axis=-1).reshape(-1, 2)
    far = KDTree(unit).query(grid)[0] > NEAR
    names = [name for name in FIGURES if np.isfinite(rows[name]).all()]
    figure, axes = panels(len(names), 38 * len(names) + 14, sharex=True)
    method = str(rows["method"].iloc[0])
    for panel, name in zip(axes, names, strict=True):
        variance = np.nan_to_num(rows[f"{name}_sd"].to_numpy(float) ** 2 / rows["seeds"].to_numpy(float))
        mean, _ = smooth.surface(smooth.fit(unit, rows[name].to_numpy(float), variance, pairs=True), grid)
        shown = np.ma.masked_where(far, 100 * mean).reshape(SIDE, SIDE)
        drawn = panel.imshow(shown, origin="lower", extent=(0, 1, 0, 1), aspect="auto", cmap="cividis", interpolation="nearest")
        points = thinned(pd.DataFrame(unit), 300)
        panel.plot(points[0], points[1], "o", ms=2, mfc="white", mec=RIM, mew=0.5)
        best = int(np.argmax(np.where(far, -np.inf, mean)))
        panel.plot(*grid[best], "*", ms=9, mfc="white", mec=RIM, mew=0.6, clip_on=False)
        panel.set_ylabel(label(str(values.columns[1])).replace(" (", "\n("))
        _scale(panel.yaxis, x[:, 1])
        panel.grid(visible=False)
        panel.set(xlim=(0, 1), ylim=(0, 1))
        bar = figure.colorbar(drawn, ax=panel, fraction=0.05, pad=0.03)
        bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]  matplotlib's stubs take the outline for a method
        bar.set_label(ROWS[name])
    _scale(axes[-1].xaxis, x[:, 0])
    axes[-1].set_xlabel(label(str(values.columns[0])))
    margins(figure, left=17, right=12.5, top=3, bottom=10, between=0.08)
    caption = (
        f"Smooth maps from n = {len(rows):,} configurations of {method} (circles), its other knobs averaged over what was tried; the "
        "star is the best point of the map. Blank where no configuration is near."
    )
    first, second = (str(name) for name in values.columns)
    return Drawing(f"map-{method}-{first}-{second}", f"{method}: {first} and {second} together", caption, figure)


def _scale(axis, values: np.ndarray) -> None:  # noqa: ANN001
    """Ticks at round knob values on an axis that runs from 0 to 1."""
    if is_log(values):
        low, high = np.log10(values.min()), np.log10(values.max())
        ticks = [
            10.0**power * step
            for power in range(int(np.floor(low)), int(np.ceil(high)) + 1)
            for step in ((1, 3) if high - low < 2.5 else (1,))
        ]
        ticks = [tick for tick in ticks if low <= np.log10(tick) <= high]
        places = [(np.log10(tick) - low) / (high - low) for tick in ticks]
    else:
        ticks = [tick for tick in MaxNLocator(4).tick_values(values.min(), values.max()) if values.min() <= tick <= values.max()]
        places = [(tick - values.min()) / np.ptp(values) for tick in ticks]
    axis.set_ticks(places, [f"{tick:g}" for tick in ticks])
