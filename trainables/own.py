"""Strategies of the user's own on the three axes: what `module:object` gives is held against the vocabulary before it is used."""

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

from trainables import plugin
from trainables.axes import Criterion, Method, Mixing, Perturbation
from trainables.knob import Knob
from trainables.requirements import REQUIREMENTS

AXES: dict[str, type] = {"mixing": Mixing, "perturbation": Perturbation, "criterion": Criterion}
"""What stands on each axis."""

VERBS = {"mixing": ("draw", "losses"), "perturbation": ("draw",), "criterion": ("risk",)}
COMMON = ("init", "watch")
TURNS = ("gradients", "adapts")


class OtherKindError(ValueError):
    """What `module:object` gives belongs on no axis."""


def strategy(axis: str, name: str) -> Callable[..., Any]:
    """The factory that `module:object` is for an axis; a value counts as a factory without options, and a `Method` for each of its axes.

    Raises:
        ValueError: If there is no such object; and from the factory, if it makes nothing that can stand on the axis.
    """
    make = _factory(name)

    @functools.wraps(make)
    def checked(**options: object) -> Any:
        return _part(axis, name, _made(name, make, options))

    checked.__signature__ = signature(make)  # type: ignore[attr-defined]
    return checked


def filled(name: str, **options: object) -> tuple[str, ...]:
    """The axes that `module:object` fills.

    Raises:
        ValueError: If it is not there or cannot be made.
        OtherKindError: If it fills none.
    """
    make = _factory(name)
    kind = get_type_hints(make).get("return") if inspect.isfunction(make) and not options else None
    if kind not in (Method, *AXES.values()):
        kind = type(_made(name, make, options))
    if kind is Method:
        return tuple(AXES)
    axes = tuple(axis for axis, one in AXES.items() if one is kind)
    if not axes:
        raise OtherKindError(f"{name} must give {_wanted()}, it gave {kind.__name__}")
    return axes


def signature(make: Callable[..., Any]) -> inspect.Signature:
    """The options of a factory, annotations as types where these can be had."""
    try:
        found = inspect.signature(make, eval_str=True)
    except NameError:
        found = inspect.signature(make)
    except (TypeError, ValueError):  # some callables written in C have no signature
        return inspect.Signature()
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return found.replace(parameters=[parameter for parameter in found.parameters.values() if parameter.kind in named])


def _factory(name: str) -> Callable[..., Any]:
    thing = plugin.found(name)
    return thing if callable(thing) else lambda: thing


def _made(name: str, make: Callable[..., Any], options: dict[str, object]) -> Any:
    asked = signature(make).parameters.items()
    lacking = [key for key, one in asked if one.default is one.empty and options.get(key, one.empty) is one.empty]
    if lacking:
        raise ValueError(f"{name} must be given its {' and '.join(lacking)}, which has no default")
    try:
        return make(**options)
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"{name} must give {_wanted()}, it fails: {plugin.said(error)}") from error


def _part(axis: str, name: str, made: Any) -> Any:
    """What stands on the axis, of a strategy or of a whole method.

    Raises:
        ValueError: If nothing does, or what does breaks the vocabulary's rules.
    """
    part = getattr(made, axis) if isinstance(made, Method) else made
    if not isinstance(part, AXES[axis]):
        other = next((f"; name it under {one}" for one, kind in AXES.items() if isinstance(part, kind)), "")
        raise ValueError(f"{name} must give trainables.axes.{AXES[axis].__name__} as {axis}, it gave {type(part).__name__}{other}")
    broken = [*_functions(axis, part), *_knobs(part), *_needs(part)]
    if broken:
        raise ValueError(f"{name}: {broken[0]}")
    return part


def _functions(axis: str, part: Any) -> Iterator[str]:
    for field in (*VERBS[axis], *COMMON, *(("adapt",) if hasattr(part, "adapt") else ())):
        if not callable(getattr(part, field)):
            yield f"{axis}.{field} must be a function, got {getattr(part, field)!r}"
    for field in TURNS:
        given = getattr(part, field, (print,))
        if not isinstance(given, tuple) or not given or not all(callable(one) for one in given):
            yield f"{axis}.{field} must be a tuple of functions, one a turn, as in ({field.removesuffix('s')},), got {given!r}"


def _knobs(part: Any) -> Iterator[str]:
    if not isinstance(part.knobs, tuple) or not all(isinstance(knob, Knob) for knob in part.knobs):
        yield f"knobs must be a tuple of trainables.knob.Knob, as in (RHO,), got {part.knobs!r}"
        return
    for knob in part.knobs:
        try:
            knob.check(knob.default)
            if not knob.choices:
                knob.check_range(*knob.search)
        except ValueError as error:
            yield f"the knob {knob.name} contradicts itself: {error}"


def _needs(part: Any) -> Iterator[str]:
    unknown = sorted(set(part.needs) - set(REQUIREMENTS)) if isinstance(part.needs, frozenset) else [part.needs]
    if unknown:
        yield f"needs must be a frozenset of words among {', '.join(REQUIREMENTS)}, got {unknown[0]!r}"


def _wanted() -> str:
    return f"a {', '.join(kind.__name__ for kind in AXES.values())} or Method of trainables.axes, or be a function that returns one"
