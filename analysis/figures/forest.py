"""The ranking as a picture: mean, tail and stability of the first configurations with their intervals, and ERM below."""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from analysis.figures.style import INK, MUTED, Drawing, Look, margins, name_rows, panels, unknown
from analysis.figures.thinned import seeds_stated
from analysis.table import FIGURES

SHOWN = 15


def forest(
    frame: pd.DataFrame, looks: dict[str, Look], baseline: int | None, name: str = "forest", title: str = "The ranking with its intervals"
) -> Drawing:
    """The first configurations, three panels; a diamond is the shrunken mean, the line the interval of the measured one."""
    rows = frame.head(SHOWN)
    if baseline is not None and baseline not in rows.index:
        rows = pd.concat([rows, frame.loc[[baseline]]])
    figure, axes = panels(1, 17 + 4.1 * len(rows), columns=3)
    for panel, figure_name in zip(axes, FIGURES, strict=True):
        for place, (_, row) in enumerate(rows.iterrows()):
            look = looks[row["method"]]
            panel.hlines(place, 100 * row[f"{figure_name}_low"], 100 * row[f"{figure_name}_high"], color=look.colour, lw=1.1)
            panel.plot(100 * row[figure_name], place, look.shape, color=look.colour, ms=4, mew=0)
            if np.isfinite(row[f"{figure_name}_guarantee"]):
                panel.plot(100 * row[f"{figure_name}_shrunk"], place, "d", color=INK, ms=2.4, mew=0, zorder=4)
        panel.set(
            ylim=(len(rows) - 0.4, -0.6), yticks=[], title={"accuracy": "mean", "tail": "tail", "stability": "stability"}[figure_name]
        )
        panel.grid(axis="y", visible=False)
        panel.xaxis.set_major_locator(MaxNLocator(2, integer=True, steps=[1, 2, 5, 10]))  # more would touch between panels
        if rows[figure_name].isna().all():
            unknown(panel, "unknown")
            panel.set_xticks([])
        level = float(frame[figure_name].loc[baseline]) if baseline is not None else float("nan")
        if np.isfinite(level):
            panel.axvline(100 * level, color=MUTED, lw=0.7, ls=(0, (2, 2)), zorder=0)
    names = [
        f"{rank:.0f}  {method} {number}" for rank, method, number in zip(rows["rank"], rows["method"], rows["configuration"], strict=True)
    ]
    name_rows(axes[0], names, [looks[method].colour for method in rows["method"]])
    axes[1].set_xlabel("percent")
    margins(figure, left=29, top=6, bottom=9)
    against = " The dashed line is ERM." if baseline is not None else ""
    caption = (
        f"Mean over seeds with its 95 % interval over retrainings; the small diamond is the mean shrunken towards the others.{against} n "
        f"= {seeds_stated(rows)} a configuration."
    )
    return Drawing(name, title, caption, figure)
