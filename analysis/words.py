"""Numbers as a reader meets them: percent and points with their interval, durations, counts."""

import math

import numpy as np
import pandas as pd

NONE = "\N{EN DASH}"
"""Stands where nothing can be said."""


def known(value: float | None) -> bool:
    """Whether there is a finite number."""
    return value is not None and math.isfinite(value)


def percent(value: float | None, digits: int = 1) -> str:
    """A share as percent without the sign: .8765 is 87.7 (units stand in the table's head)."""
    return f"{100 * value:.{digits}f}" if value is not None and known(value) else NONE


def within(value: float, low: float, high: float, digits: int = 1) -> str:
    """A share with its interval: 87.7 ± 1.2; where 0 or 1 cuts it off on one side, both ends: 27.0 (0.0 to 100.0)."""
    if not (known(low) and known(high)):
        return percent(value, digits)
    if math.isclose(value - low, high - value, abs_tol=1e-9):
        return f"{percent(value, digits)} ± {percent(high - value, digits)}"
    return f"{percent(value, digits)} ({percent(low, digits)} to {percent(high, digits)})"


def score(row: pd.Series, name: str) -> str:
    """A configuration's score with its interval, from its `NAME`, `NAME_low` and `NAME_high`."""
    return within(row[name], row[f"{name}_low"], row[f"{name}_high"])


def points(value: float | None, digits: int = 1) -> str:
    """A difference of shares in points, signed."""
    return f"{100 * value:+.{digits}f}".replace("-", "\N{MINUS SIGN}") if value is not None and known(value) else NONE


def gain(row: pd.Series) -> str:
    """A gain in points with its 95 % interval, where one is known, from its `gain`, `low` and `high`."""
    between = f" ({points(row['low'])} to {points(row['high'])})" if known(row["low"]) else ""
    return points(row["gain"]) + between


def signed(value: float) -> str:
    """A signed number to two decimals."""
    return f"{round(value, 2) + 0.0:+.2f}".replace("-", "\N{MINUS SIGN}")


def chance(value: float | None) -> str:
    """A probability as percent; what 4,000 draws cannot tell from 0 or 1 is said so."""
    if value is None or not known(value):
        return NONE
    if 0 < value < 0.01 or value == 0:
        return "< 1 %"
    return "> 99 %" if value > 0.99 else f"{100 * value:.0f} %"


def p_value(p: float) -> str:
    """A p-value with its relation: `= .031`, `< .001`."""
    return "< .001" if p < 0.001 else f"= {p:.3f}".replace("= 0.", "= .")


def ranks(low: float, high: float) -> str:
    """A rank interval."""
    if not known(low):
        return NONE
    return f"{low:.0f}" if low == high else f"{low:.0f} \N{EN DASH} {high:.0f}"


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    if not known(seconds):
        return NONE
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (size == 60 and seconds >= 90):
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def count(number: float, noun: str) -> str:
    """A number with its noun in the right form."""
    return f"{number:,.0f} {noun}" + ("" if number == 1 else "s")


def ordinal(number: int) -> str:
    """A place in an order: 1st, 2nd, 13th."""
    ending = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def between(numbers: np.ndarray) -> str:
    """The range of whole numbers: `3`, or `3 to 10`."""
    low, high = float(numbers.min()), float(numbers.max())
    return f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"


def listed(words: list[str]) -> str:
    """a, b and c."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else ""


def median(values: np.ndarray) -> float:
    """The median, nan of nothing."""
    return float(np.median(values)) if len(values) else float("nan")
