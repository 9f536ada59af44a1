"""Fewer points than rows, where a figure would otherwise hold more than can be told apart."""

import numpy as np
import pandas as pd

MOST = 1500
"""Points drawn in one figure."""


def thinned(frame: pd.DataFrame, most: int = MOST) -> pd.DataFrame:
    """At most `most` rows, evenly spaced through the frame's order, first and last among them: the same rows every time."""
    if len(frame) <= most:
        return frame
    return frame.iloc[np.unique(np.linspace(0, len(frame) - 1, most).round().astype(int))]
