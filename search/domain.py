"""What a study lets one knob be: fixed, or free as an Optuna distribution.

Whether a knob is explored on a log scale belongs to the knob and never changes within a study, since Optuna forbids it.
"""

from typing import Any, NamedTuple

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from trainables.knob import Knob


class Refusals(dict[str, str]):
    """Faults found in one part of a study: key to message."""


class Domain(NamedTuple):
    """What a study lets one knob be: the given values, or anything between `low` and `high`.

    Attributes:
        knob: The knob.
        low, high: The range; equal where the knob is fixed.
        values: The values it may take, where these are listed.
    """

    knob: Knob
    low: float
    high: float
    values: tuple[float, ...] = ()

    @property
    def fixed(self) -> float | None:
        """The only value there is, or None where there is a choice."""
        if self.values:
            return self.values[0] if len(self.values) == 1 else None
        return self.low if self.low == self.high else None

    @property
    def distribution(self) -> BaseDistribution:
        """The domain as Optuna has it."""
        if self.values:
            return CategoricalDistribution(self.values)
        return FloatDistribution(self.low, self.high, log=self.knob.log)

    @property
    def recorded(self) -> BaseDistribution:
        """The domain as the ledger has it: Optuna lets a range change within a study, but not a list of choices."""
        return CategoricalDistribution(self.knob.choices) if self.values else self.distribution

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, int | float):
            return False
        return value in self.values if self.values else self.low <= value <= self.high

    def plain(self) -> float | list[float]:
        """The domain as a study file writes it."""
        if self.fixed is not None:
            return self.fixed
        return list(self.values) if self.values else [self.low, self.high]


def domain(knob: Knob, given: Any, refused: Refusals, *, free: bool) -> Domain:
    """What a study lets a knob be.

    Args:
        knob: The knob.
        given: A number or a list of one fixes it, a pair is a range, a list gives the values of a knob with choices; None: not given.
        refused: Takes a fault.
        free: Whether a knob that is not given is searched over its own range, or has its default.
    """
    try:
        return _domain(knob, given, free=free)
    except ValueError as error:
        refused[knob.name] = str(error).removeprefix(f"{knob.name} ").removeprefix(f"{knob.name}'s ")
        return Domain(knob, knob.default, knob.default)


def _domain(knob: Knob, given: Any, *, free: bool) -> Domain:
    if given is None:
        return _unsaid(knob, free=free)
    if not isinstance(given, list | tuple):
        return Domain(knob, knob.check(given), knob.check(given))
    if len(given) == 1:
        return Domain(knob, knob.check(given[0]), knob.check(given[0]))
    if knob.choices and given:
        values = tuple(sorted({knob.check(value) for value in given}))
        return Domain(knob, values[0], values[-1], values)
    if len(given) != 2:
        raise ValueError(f"must be a number, a list of one or a pair [low, high], got {list(given)}; its default is {knob.default:g}")
    return Domain(knob, *knob.check_range(*given))


def _unsaid(knob: Knob, *, free: bool) -> Domain:
    if not free:
        return Domain(knob, knob.default, knob.default)
    if knob.choices:
        return Domain(knob, min(knob.choices), max(knob.choices), knob.choices)
    return Domain(knob, *knob.search)
