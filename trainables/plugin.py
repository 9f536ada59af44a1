"""Objects of the user's own: named `module:object`, or by the name under which an installed package offers them."""

import functools
import importlib
import os
import sys
import traceback
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

KINDS = ("method", "mixing", "perturbation", "criterion", "net", "data")
"""What a package may offer: each kind is a group of entry points, `altiplano.mixing` and so on."""

INSTALLED = (
    Path(os.__file__).parent,
    *(path for path in map(Path, sys.path) if path.name in {"site-packages", "dist-packages"}),
    *(Path(__file__).parents[1] / name for name in ("altiplano", "analysis", "search", "trainables")),
)
"""Folders whose modules are not the user's own."""


def is_named(name: object) -> bool:
    """Whether a name stands for an object of the user's own."""
    return isinstance(name, str) and ":" in name


@functools.cache
def offered(kind: str) -> dict[str, str]:
    """What installed packages offer of a kind: name to `module:object`."""
    return {point.name: point.value.replace(" ", "") for point in metadata.entry_points(group=f"altiplano.{kind}")}


def spelled_out(kind: str, name: Any) -> Any:
    """`module:object` where an installed package offers the name; otherwise the name as it is."""
    return name if not isinstance(name, str) or is_named(name) else offered(kind).get(name, name)


def found(name: str) -> Any:
    """The object called `module:object`, looked for on the Python path and in the working folder.

    Raises:
        ValueError: If the module cannot be imported or has no such object.
    """
    module, _, attribute = name.partition(":")
    there = imported(module, name)
    try:
        return functools.reduce(getattr, attribute.split("."), there)
    except AttributeError as error:
        raise ValueError(f"{name}: the module {module} must have {attribute}, it has not; is it spelled like that there?") from error


def imported(module: str, name: str) -> ModuleType:
    """The module that `name` lies in.

    Raises:
        ValueError: If it cannot be imported, or what it does while it is imported fails.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # last, so that nothing there hides what is installed
    try:
        return importlib.import_module(module)
    except (ModuleNotFoundError, ValueError, TypeError) as error:
        missing = getattr(error, "name", None)
        if missing is None or not f"{module}.".startswith(f"{missing}."):
            raise ValueError(f"{name}: the module {module} must be importable, it is not: {said(error)}") from error
        words = f"the module {module} must be importable, it is not: {error}"
        raise ValueError(f"{name}: {words}; is its folder in PYTHONPATH, on every machine that trains?") from error
    except Exception as error:
        raise ValueError(f"{name}: the module {module} must be importable, it is not: {said(error)}") from error


def said(error: BaseException) -> str:
    """An error in one line, with the line of the user's own code that it came from."""
    words = f"{type(error).__name__}: {' '.join(str(error).split()) or 'no message'}"
    if isinstance(error, SyntaxError):
        return words
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if is_own(frame.filename)]
    return f"{words} ({Path(own[-1].filename).name}, line {own[-1].lineno}: {own[-1].line})" if own else words


def is_own(file: str) -> bool:
    """Whether a file of Python is the user's: neither installed nor ours."""
    return not file.startswith("<") and not any(folder in Path(file).parents for folder in INSTALLED)


def source(name: str) -> Path | None:
    """File or folder of the top-level package or module that `module:object` lies in, where it is the user's own and not installed."""
    module = imported(name.partition(":")[0].partition(".")[0], name)
    places = [Path(path) for path in getattr(module, "__path__", [])] or [Path(module.__file__ or "")]
    return places[0] if len(places) == 1 and is_own(str(places[0])) and places[0].exists() else None
