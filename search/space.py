"""What a study searches for one method: its axes, options and every number, fixed or free."""

import difflib
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from optuna.distributions import BaseDistribution
from pydantic import ConfigDict, TypeAdapter, ValidationError

from search.domain import Domain, Refusals, domain
from search.errors import nearest
from trainables import methods, plugin
from trainables.knob import Knob
from trainables.scenarios import SUPERVISED
from trainables.scenarios.scenario import Scenario
from trainables.training import TRAINING_KNOBS

AXES = methods.Axes._fields
METHOD = "method"
"""Key of a method of a study that names a whole one of the user's own."""


class Space(NamedTuple):
    """What a study does with one method.

    Attributes:
        name: The method's name in the study.
        axes: Its choice on the three axes.
        options: Options of its factories, defaults included.
        domains: Every number it trains with, by name: the method's knobs, then lr, weight_decay and label_smoothing.
        knobs: The method's own.
    """

    name: str
    axes: methods.Axes
    options: dict[str, Any]
    domains: dict[str, Domain]
    knobs: tuple[Knob, ...] = ()

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """The searched knobs as Optuna has them; empty for a method that is one configuration."""
        return {name: domain.distribution for name, domain in self.domains.items() if domain.fixed is None}

    @property
    def recorded(self) -> dict[str, BaseDistribution]:
        """The same as the ledger has them."""
        return {name: self.domains[name].recorded for name in self.distributions}

    @property
    def points(self) -> float:
        """How many configurations there are: inf where a knob is continuous."""
        return math.prod(len(domain.values) if domain.values else math.inf for domain in self.domains.values() if domain.fixed is None)

    def numbers(self, params: Mapping[str, float]) -> dict[str, float]:
        """Every number of a configuration, given the searched ones."""
        fixed = {name: domain.fixed for name, domain in self.domains.items()}
        return {name: float(params[name] if value is None else value) for name, value in fixed.items()}

    def plain(self) -> dict[str, Any]:
        """The method as a study file writes it, every default written out; training numbers where they are."""
        own = {knob.name for knob in self.knobs}
        return {**self.axes._asdict(), **self.options, **{name: domain.plain() for name, domain in self.domains.items() if name in own}}


def space(
    name: str, given: Mapping[str, Any], training: Mapping[str, Any], refused: Refusals, scenario: Scenario = SUPERVISED
) -> Space | None:
    """What a study does with a method, or None where its axes or options are at fault.

    Args:
        name: A preset's name, or any name where axes are given.
        given: Axes, options and knobs of the study file.
        training: The study's training numbers (lr, ...), where they are given.
        refused: Takes every fault found.
        scenario: What training learns from.
    """
    axes = _axes(name, given, refused)
    if axes is None or not _hosted(axes, scenario, refused):
        return None
    known, factories = methods.options(axes, scenario.mixings), methods.factories(axes, scenario.mixings)
    options = {key: _option(factories, key, given[key], refused) if key in given else default for key, default in known.items()}
    for key, value in options.items():
        if value is inspect.Parameter.empty:
            refused[key] = f"must be given: {name} has no default for it"
    if inspect.Parameter.empty in options.values():
        return None
    method = _made(axes, scenario, options, refused)
    if method is None:
        return None
    knobs = {knob.name: knob for knob in (*method.knobs, *TRAINING_KNOBS)}
    for key in set(given) - {*AXES, METHOD} - set(options) - set(knobs):
        refused[key] = f"is no knob or option of {name}; {nearest(key, [*knobs, *options, *AXES])}"
    searched = {knob.name for knob in method.knobs}
    values = {**dict(training), **dict(given)}
    for key in searched & scenario.nats.keys() - given.keys():
        refused[key] = scenario.nats[key]
    domains = {key: domain(knob, values.get(key), refused, free=key in searched) for key, knob in knobs.items()}
    return Space(name, axes, options, domains, method.knobs)


def _axes(name: str, given: Mapping[str, Any], refused: Refusals) -> methods.Axes | None:
    try:
        preset = methods.preset(name) if name in methods.PRESETS or name in plugin.offered(METHOD) else None
    except ValueError as error:
        refused[""] = str(error)
        return None
    chosen = {**_whole(given, refused), **{axis: plugin.spelled_out(axis, given[axis]) for axis in AXES if axis in given}}
    if preset is None and not chosen and not refused:
        refused[""] = f"is no method; {_near_preset(name)}, or choose mixing, perturbation or criterion under this name"
    for axis, choice in chosen.items():
        if fault := _unknown(axis, choice):
            refused[axis if axis in given else METHOD] = fault
        elif preset is not None and choice != getattr(preset, axis):
            refused[axis] = f"of {name} is {getattr(preset, axis)}, got {choice}; give the combination a name of its own"
    return None if refused else preset or methods.Axes(**chosen)


def _whole(given: Mapping[str, Any], refused: Refusals) -> dict[str, str]:
    """The axes that a method of the user's own fills."""
    name = plugin.spelled_out(METHOD, given.get(METHOD, ""))
    if METHOD not in given:
        return {}
    if not plugin.is_named(name):
        refused[METHOD] = f"must name a method of your own as module:object, got {name!r}; a preset is named by the key itself"
        return {}
    try:
        axes = methods.holding(name)._asdict()
    except ValueError as error:
        refused[METHOD] = str(error)
        return {}
    return {axis: choice for axis, choice in axes.items() if choice == name}


def _unknown(axis: str, choice: Any) -> str | None:
    """What is wrong with a name on an axis."""
    if not isinstance(choice, str):
        return f"must be one of {', '.join(methods.TABLES[axis])}, or module:object, got {choice!r}"
    if not plugin.is_named(choice):
        table = methods.TABLES[axis]
        near = nearest(choice, list(table))
        return None if choice in table else f"must be one of {', '.join(table)}, or module:object, got {choice!r}; {near}"
    try:
        methods.strategy(axis, choice)
    except ValueError as error:
        return str(error)
    return None


def _near_preset(name: str) -> str:
    found = difflib.get_close_matches(name, list(methods.PRESETS), n=1, cutoff=0.5)
    return f"did you mean {found[0]}?" if found else "`altiplano methods` lists them"


def _hosted(axes: methods.Axes, scenario: Scenario, refused: Refusals) -> bool:
    """Whether the scenario has every strategy of a choice; those that it refuses are told with the reason."""
    found = {axis: scenario.refused[axis, name] for axis, name in axes._asdict().items() if (axis, name) in scenario.refused}
    if axes.mixing not in scenario.mixings and not scenario.own and "mixing" not in found:
        found["mixing"] = f"must be one of {', '.join(scenario.mixings)} here, got {axes.mixing}"
    for axis, reason in found.items():
        refused[axis] = f"cannot be {getattr(axes, axis)} in this scenario: it {reason}"
    return not found


def _option(factories: Iterable[Callable[..., Any]], name: str, given: Any, refused: Refusals) -> Any:
    parameter = next(parameters[name] for factory in factories if name in (parameters := inspect.signature(factory).parameters))
    kind = Any if parameter.annotation is parameter.empty or isinstance(parameter.annotation, str) else parameter.annotation
    try:
        return TypeAdapter(kind, config=ConfigDict(strict=True)).validate_python(given)
    except ValidationError as error:
        default = "" if parameter.default is parameter.empty else f"; its default is {parameter.default!r}"
        refused[name] = f"{error.errors()[0]['msg'].lower().replace('input should', 'must')}, got {given!r}{default}"
        return None if parameter.default is parameter.empty else parameter.default


def _made(axes: methods.Axes, scenario: Scenario, options: Mapping[str, Any], refused: Refusals) -> methods.Method | None:
    try:
        return methods.make(axes, scenario.mixings, **options)
    except ValueError as error:
        refused[""] = str(error)
        return None
