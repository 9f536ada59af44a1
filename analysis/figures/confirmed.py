"""What became of the search's figures on fresh seeds and the test split."""

import pandas as pd

from analysis import words
from analysis.figures.style import FAINT, MUTED, Drawing, Look, margins, name_rows, panels


def optimism(both: pd.DataFrame, looks: dict[str, Look]) -> Drawing:
    """Selection score to confirmed test score of each confirmed configuration, mean and tail.

    Args:
        both: Rows in confirmed order: label, method, and accuracy, tail on `_selection` and `_test`, with the test's `_low` and `_high`.
        looks: How methods are drawn.
    """
    figure, axes = panels(1, 20 + 6 * len(both), columns=2)
    for panel, name in zip(axes, ("accuracy", "tail"), strict=True):
        for place, (_, row) in enumerate(both.iterrows()):
            look = looks[row["method"]]
            panel.hlines(place, 100 * row[f"{name}_low"], 100 * row[f"{name}_high"], color=look.colour, lw=1.2)
            panel.plot(100 * row[f"{name}_test"], place, look.shape, color=look.colour, ms=4.5, mew=0)
            panel.plot(100 * row[f"{name}_selection"], place, look.shape, mfc="none", mec=MUTED, mew=0.9, ms=4.5)
        panel.set(yticks=[], ylim=(len(both) - 0.4, -0.6), xlabel=f"{'mean accuracy' if name == 'accuracy' else 'tail score'} (%)")
        panel.grid(axis="y", visible=False)
        panel.grid(axis="x", color=FAINT)
        panel.locator_params(axis="x", nbins=4)
    name_rows(axes[0], both["label"].tolist(), [looks[method].colour for method in both["method"]])
    margins(figure, left=27, top=3, bottom=10)
    caption = (
        "Filled: fresh seeds on the test split with 95 % intervals. Hollow: what the search had reported on the selection split. n = "
        f"{words.between(both['seeds'].to_numpy())} fresh seeds."
    )
    return Drawing("confirmed", "Search and confirmation", caption, figure)
