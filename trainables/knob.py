"""A knob: one searchable number of a method, declared once for checks, search space, docs and report."""

import math
from typing import NamedTuple


class Knob(NamedTuple):
    """A number that a search may turn.

    One object serves validation, the search space, the command line's tables and the report, so that they cannot disagree.

    Attributes:
        name: Key in a configuration; unique over all methods.
        search: Default range explored by a search, (low, high).
        default: Value used where the number is not searched.
        legal: Range outside which the number has no meaning, (low, high), both ends allowed.
        log: Explore on a logarithmic scale.
        choices: The only values allowed, where the knob is not continuous; `search` is then ignored.
        meaning: What the number is, one line, with its unit.
        source: Where default and range come from, with `read`, `derived` or `ours`.
    """

    name: str
    search: tuple[float, float]
    default: float
    legal: tuple[float, float]
    log: bool = False
    choices: tuple[float, ...] = ()
    meaning: str = ""
    source: str = ""

    def check(self, value: object) -> float:
        """Return `value` as a float.

        Raises:
            ValueError: If it is no finite number of the legal range; the message says what would be.
        """
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{self.name} must be a finite number, got {value!r}; its default is {self.default:g}")
        if self.choices and value not in self.choices:
            raise ValueError(f"{self.name} must be one of {self._listed()}, got {value:g}")
        low, high = self.legal
        if not low <= value <= high:
            raise ValueError(f"{self.name} must lie in [{low:g}, {high:g}], got {value:g}; its default is {self.default:g}")
        return float(value)

    def check_range(self, low: object, high: object) -> tuple[float, float]:
        """Return the range (low, high) as floats.

        Raises:
            ValueError: If an end is illegal, the ends are reversed or equal, or a logarithmic range starts at 0 or below.
        """
        if self.choices:
            raise ValueError(f"{self.name} takes one of {self._listed()}, not a range; give a list of values")
        low, high = self.check(low), self.check(high)
        if low >= high:
            raise ValueError(f"{self.name}'s range must go from low to high, got [{low:g}, {high:g}]; swap the ends or give one number")
        if self.log and low <= 0:
            raise ValueError(f"{self.name} is searched on a log scale, so its range must start above 0, got [{low:g}, {high:g}]")
        return low, high

    def _listed(self) -> str:
        return "{" + ", ".join(f"{choice:g}" for choice in self.choices) + "}"
