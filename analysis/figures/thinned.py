"""Fewer points than rows, where a figure would otherwise hold more than can be told apart, and the n that captions state."""

import numpy as np
import pandas as pd

MOST = 1500
"""Points drawn in one figure."""


def thinned(frame: pd.DataFrame, most: int = MOST) -> pd.DataFrame:
    """At most `most` rows, evenly spaced through the frame's order, first and last among them: the same rows every time."""
    if len(frame) <= most:
        return frame
    return frame.iloc[np.unique(np.linspace(0, len(frame) - 1, most).round().astype(int))]


def seeds_stated(frame: pd.DataFrame) -> str:
    """`3 seeds` or `3 to 10 seeds`."""
    low, high = int(frame["seeds"].min()), int(frame["seeds"].max())
    return f"{low} seed{'s' if low != 1 else ''}" if low == high else f"{low} to {high} seeds"
