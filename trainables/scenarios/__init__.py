"""What training learns from, by name: the labels, or pictures alone. Chosen once for a study; methods, search and ranking stay the same."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from trainables import arguments
from trainables.scenarios.contrastive import contrastive
from trainables.scenarios.scenario import Scenario
from trainables.scenarios.supervised import supervised

SCENARIOS: dict[str, Callable[..., Scenario]] = {"supervised": supervised, "contrastive": contrastive}
"""Factories of scenarios by name; their arguments are a study file's options."""

SUPERVISED = supervised()


def make(name: str = "supervised", **options: Any) -> Scenario:
    """The scenario called `name`.

    Raises:
        ValueError: If there is no such scenario, or an option is at fault.
    """
    found = faults({"name": name, **options})
    if found:
        raise ValueError("; ".join(found))
    return SCENARIOS[name](**options)


def faults(given: Any, where: str = "scenario") -> list[str]:
    """Every fault of a study file's `scenario`: a name, or a mapping with a name and options."""
    spec = spelled(given)
    if spec is None:
        return [f"{where} must be {' or '.join(SCENARIOS)}, or keys with a name, as in {{name: contrastive, host: moco}}, got {given!r}"]
    name = spec.get("name")
    if not isinstance(name, str) or name not in SCENARIOS:
        return [f"{where}.name must be one of {', '.join(SCENARIOS)}, got {name!r}" + near(name)]
    options = {key: value for key, value in spec.items() if key != "name"}
    found = arguments.faults(where, SCENARIOS[name], options, beside=("name",))
    if found:
        return found
    try:
        SCENARIOS[name](**options)
    except ValueError as error:
        return [f"{where}.{error}"]
    return []


def written_out(given: Any) -> dict[str, Any]:
    """A study file's `scenario` with every default; the default one for what is at fault, which is reported elsewhere."""
    spec = {"name": "supervised"} if faults(given) else dict(spelled(given) or {})
    defaults = {name: parameter.default for name, parameter in inspect.signature(SCENARIOS[spec["name"]]).parameters.items()}
    return {"name": spec["name"], **defaults, **spec}


def spelled(given: Any) -> Mapping[str, Any] | None:
    """The mapping that a scenario's name stands for; None where it is neither."""
    if isinstance(given, str):
        return {"name": given}
    return given if isinstance(given, Mapping) else None


def near(name: object) -> str:
    """The nearest name, as the end of a sentence."""
    said = arguments.unknown("", str(name), SCENARIOS)
    return "; " + said.split("; ", 1)[1] if "did you mean" in said else ""
