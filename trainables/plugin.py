"""Objects of the user's own, named `module:object` in a study file."""

import importlib
from typing import Any


def is_named(name: str) -> bool:
    """Whether a name stands for an object of the user's own."""
    return ":" in name


def found(name: str) -> Any:
    """The object called `module:object`, looked for on the Python path.

    Raises:
        ValueError: If the module cannot be imported or has no such object.
    """
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise ValueError(f"{name}: the module {module} must be importable, it is not: {error}; is its folder in PYTHONPATH?") from error
    except AttributeError as error:
        raise ValueError(f"{name}: the module {module} must have {attribute}, it has not") from error
