"""What can be wrong with a study beyond its shape, and pydantic's findings in words that teach."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from search.domain import Refusals
from search.errors import Fault, nearest
from search.space import space
from trainables import nets, scenarios, scores
from trainables.data.check import check
from trainables.optimizer import OPTIMIZERS, SCHEDULES
from trainables.scenarios.scenario import Scenario
from trainables.training import TRAINING, TRAINING_KNOBS

LONGEST = 63
NAME = rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST - 1}}}"
"""What a study or a method may be called: its name becomes a folder, a file and an Optuna study."""

NAMED = f"a name of at most {LONGEST} letters, digits, dots, dashes and underscores"

ERM = "erm"
"""The method that every other is judged against; always part of a study."""

OBJECTIVES = ("accuracy", "tail", "stability")


def meaning(given: Mapping[str, Any]) -> Iterator[Fault]:
    """Faults that the shape of the data alone does not show."""
    yield from _data(given.get("data"))
    yield from _net(given.get("net"))
    yield from _scenario(given)
    yield from _training(given.get("training"))
    yield from _methods(given)
    if isinstance(given.get("tail"), str):
        try:
            scores.tail_named(given["tail"])
        except ValueError as error:
            yield Fault("tail", str(error).removeprefix("tail "))
    yield from _consistency(given)


def _data(given: Any) -> Iterator[Fault]:
    if given is not None and not isinstance(given, Mapping):
        yield Fault("data", f"must be keys with a name, as in {{name: digits}}, got {given!r}")
    elif given is not None:
        yield from (keyed(line) for line in check(given))


def _net(given: Any) -> Iterator[Fault]:
    if given is not None and not isinstance(given, Mapping):
        yield Fault("net", f"must be keys with a name, as in {{name: {next(iter(nets.NETS))}}}, got {given!r}")
    elif given is not None:
        yield from (keyed(line) for line in nets.check(given))


def _scenario(given: Mapping[str, Any]) -> Iterator[Fault]:
    if given.get("scenario") is not None:
        yield from (keyed(line) for line in scenarios.faults(given["scenario"]))
    yield from (keyed(line) for line in scenario_of(given).faults(given))


def scenario_of(given: Mapping[str, Any]) -> Scenario:
    """The scenario of a study file, as far as it is right; training with labels where it is not."""
    asked = given.get("scenario")
    return scenarios.SUPERVISED if asked is None or scenarios.faults(asked) else scenarios.make(**(scenarios.spelled(asked) or {}))


def keyed(line: str) -> Fault:
    """A fault that begins with its key."""
    path, _, message = line.partition(" ")
    return Fault(path, message)


def _training(given: Any) -> Iterator[Fault]:
    if not isinstance(given, Mapping):
        return
    for key, table in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
        if isinstance(given.get(key), str) and given[key] not in table:
            yield Fault(f"training.{key}", f"must be one of {', '.join(table)}, got {given[key]!r}")
    refused = Refusals()
    space(ERM, {}, {knob.name: given[knob.name] for knob in TRAINING_KNOBS if knob.name in given}, refused)
    yield from (Fault(f"training.{key}", message) for key, message in refused.items())


def _methods(given: Mapping[str, Any]) -> Iterator[Fault]:
    chosen = given.get("methods")
    if not isinstance(chosen, Mapping) or not chosen:
        if "methods" in given:
            yield Fault("methods", f"must name methods, as in `methods: {{g-mix: {{}}, softad: {{}}}}`, got {chosen!r}")
        return
    scenario = scenario_of(given)
    for name, asked in chosen.items():
        if not isinstance(name, str) or not re.fullmatch(NAME, name):
            yield Fault(f"methods.{name}", f"must be {NAMED}")
            continue
        if asked is not None and not isinstance(asked, Mapping):
            yield Fault(f"methods.{name}", f"must be its knobs, as in `{name}: {{}}`, got {asked!r}")
            continue
        refused = Refusals()
        space(name, asked or {}, {}, refused, scenario)
        for key, message in refused.items():
            yield Fault(f"methods.{name}.{key}" if key else f"methods.{name}", message)


def _consistency(given: Mapping[str, Any]) -> Iterator[Fault]:
    """Faults between one part and another."""
    seeds, objectives = given.get("seeds", 3), given.get("objectives", list(OBJECTIVES))
    if seeds == 1 and isinstance(objectives, list) and "stability" in objectives:
        yield Fault("seeds", "must be 2 or more where stability is an objective, got 1; raise it or drop stability")
    if isinstance(objectives, list) and all(isinstance(one, str) for one in objectives) and len(set(objectives)) < len(objectives):
        yield Fault("objectives", f"must name each objective once, got {objectives}")
    halving, training = given.get("halving"), given.get("training")
    rungs = halving.get("rungs") if isinstance(halving, Mapping) else None
    epochs = training.get("epochs", TRAINING["epochs"]) if isinstance(training, Mapping) else TRAINING["epochs"]
    if isinstance(rungs, list) and isinstance(epochs, int) and all(isinstance(rung, int) for rung in rungs):
        if any(rung >= epochs for rung in rungs):
            yield Fault("halving.rungs", f"must lie before the last epoch, {epochs}, got {rungs}")
        if sorted(set(rungs)) != rungs:
            yield Fault("halving.rungs", f"must rise, got {rungs}")


def structure(error: ValidationError, study: type[BaseModel]) -> Iterator[Fault]:
    """Pydantic's findings in our words, one a key."""
    found: dict[str, list[str]] = {}
    for one in error.errors():
        path = _path(one)
        if path.startswith("methods.") or (path == "methods" and one["type"] != "missing"):
            continue
        if one["type"] == "missing":
            yield Fault("", f"must have the key {path}; add it, as in `{_EXAMPLES.get(path, path + ': ...')}`")
        elif one["type"] == "extra_forbidden":
            near = nearest(str(one["loc"][-1]), _keys(study, one["loc"][:-1]))
            yield Fault(path, f"is no key of {'.'.join(map(str, one['loc'][:-1])) or 'a study'}; {near}")
        else:
            found.setdefault(path, []).append(_must(one))
    for path, messages in found.items():
        yield Fault(
            path, f"{' or '.join([messages[0], *(one.removeprefix('must be ') for one in messages[1:])])}, got {_given(error, path)!r}"
        )


_EXAMPLES = {"name": "name: digits", "methods": "methods: {g-mix: {}, softad: {}}"}


def _must(found: Any) -> str:
    if found["type"] == "string_pattern_mismatch":
        return f"must be {NAMED}"
    if found["type"] == "model_type":
        return "must be keys and values, as in {key: value}"
    words = found["msg"][0].lower() + found["msg"][1:]
    return (
        words.replace("input should", "must")
        .replace("a valid integer", "a whole number")
        .replace("a valid string", "text")
        .replace("a valid number", "a number")
    )


def _given(error: ValidationError, path: str) -> Any:
    return next(one["input"] for one in error.errors() if _path(one) == path)


def _path(found: Any) -> str:
    """The dotted key that a finding is about, without what Pydantic adds for the kinds that it may be of."""
    return ".".join(str(key) for key in found["loc"] if key not in {"literal['auto']", "constrained-int"})


def _keys(model: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    for key in loc:
        inner = model.model_fields[str(key)].annotation
        model = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else model
    return [field.alias or name for name, field in model.model_fields.items()]
