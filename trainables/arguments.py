"""What is wrong with arguments that came from a file, in words: names against a signature, values against its annotations."""

import difflib
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


def faults(where: str, function: Callable[..., Any], given: Mapping[str, Any], *, skip: int = 0, beside: Iterable[str] = ()) -> list[str]:
    """Every fault of the arguments `given` to `function`, each one line.

    Args:
        where: Key of the mapping in the user's file; messages begin with it.
        function: Who takes the arguments. Its annotations say what values they may have.
        given: Arguments by name.
        skip: Leading parameters that are not the user's to give.
        beside: Names that are known at this place too, though not to `function`.
    """
    try:
        parameters = dict(list(inspect.signature(function).parameters.items())[skip:])
    except (TypeError, ValueError):  # some functions written in C have no signature
        return []
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return []
    hints = get_type_hints(function)
    found = [unknown(f"{where}.{name}", name, [*parameters, *beside]) for name in given if name not in parameters]
    for name, parameter in parameters.items():
        if name in given:
            fault = illegal(hints.get(name, Any), given[name])
            found += [f"{where}.{name} {fault}"] if fault else []
        elif parameter.default is parameter.empty:
            found.append(f"{where}.{name} must be given: {wanted(hints.get(name, Any))}")
    return found


def unknown(where: str, name: str, known: Iterable[str]) -> str:
    """The fault of a name that is not known, with the nearest that is, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(str(name).lower(), names, n=1)
    if near:
        return f"{where} is unknown; did you mean {near[0]}?"
    return f"{where} is unknown; there is {', '.join(names)}" if names else f"{where} is unknown; nothing is taken here"


def illegal(hint: Any, value: Any) -> str | None:
    """What is wrong with a value for an annotation, or None: "must be a whole number, got 'x'"."""
    if _fits(hint, value):
        return None
    near = difflib.get_close_matches(str(value).lower(), [str(choice) for choice in _choices(hint)], n=1)
    return f"must be {wanted(hint)}, got {value!r}" + (f"; did you mean {near[0]}?" if near else "")


def wanted(hint: Any) -> str:
    """An annotation in words."""
    if _is_union(hint):
        return " or ".join(wanted(part) for part in get_args(hint))
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(str(choice) for choice in get_args(hint))
    if get_origin(hint) in (list, tuple):
        return f"a list, each {wanted(get_args(hint)[0])}"
    words = {bool: "true or false", int: "a whole number", float: "a finite number", str: "text", type(None): "left out"}
    return words.get(hint, "given")


def _fits(hint: Any, value: Any) -> bool:
    if hint is Any:
        return True
    if _is_union(hint):
        return any(_fits(part, value) for part in get_args(hint))
    if get_origin(hint) is Literal:
        return any(value == choice and type(value) is type(choice) for choice in get_args(hint))
    if get_origin(hint) in (list, tuple):
        return isinstance(value, list | tuple) and all(_fits(get_args(hint)[0], item) for item in value)
    if hint in (int, float):
        return isinstance(value, int if hint is int else int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, get_origin(hint) or hint)


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType)


def _choices(hint: Any) -> tuple[Any, ...]:
    if _is_union(hint):
        return tuple(choice for part in get_args(hint) for choice in _choices(part))
    return get_args(hint) if get_origin(hint) is Literal else ()
