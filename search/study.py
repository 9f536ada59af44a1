"""The study file: what a search is asked to do. Every fault is found at once and says where it is and what must hold."""

import inspect
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, ValidatorFunctionWrapHandler, model_validator

from search import notation
from search.errors import Fault, StudyError, UserError, nearest
from search.space import Refusals, Space, space
from trainables import nets, scores
from trainables.data import load
from trainables.optimizer import OPTIMIZERS, SCHEDULES
from trainables.training import TRAINING, TRAINING_KNOBS

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
"""What a study or a method may be called: its name becomes a folder, a file and an Optuna study."""

ERM = "erm"
"""The method that every other is judged against; always part of a study."""

OBJECTIVES = ("accuracy", "tail", "stability")
SAMPLERS = ("tpe", "gp", "nsga2", "cmaes", "random", "qmc")
FIXED = ("data", "net", "training", "objectives", "tail", "precision")
"""Parts that may not change in a study's life: configurations trained differently cannot be compared."""

SHARES = {
    "label_noise": Field(ge=0, lt=1),
    "fraction": Field(gt=0, le=1),
    "test_share": Field(gt=0, lt=1),
    "selection_share": Field(gt=0, lt=1),
    "probe_share": Field(gt=0, lt=1),
}
"""Bounds of arguments of `trainables.data.load.load`."""

Count = Annotated[int, Field(ge=1, strict=True)]
Share = Annotated[float, Field(gt=0, le=1)]
Numbers = float | list[float]


class Part(BaseModel):
    """A part of a study file: unknown keys are refused, values are final."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Training(Part):
    """How every member is trained. A pair under lr, weight_decay or label_smoothing makes that number a knob of every method."""

    epochs: Count = TRAINING["epochs"]
    batch: Count = TRAINING["batch"]
    optimizer: str = TRAINING["optimizer"]
    momentum: Annotated[float, Field(ge=0, lt=1)] = TRAINING["momentum"]
    nesterov: bool = TRAINING["nesterov"]
    schedule: str = TRAINING["schedule"]
    warmup: Annotated[float, Field(ge=0, lt=1)] = TRAINING["warmup"]
    lr: Any = TRAINING_KNOBS[0].default
    weight_decay: Any = TRAINING_KNOBS[1].default
    label_smoothing: Any = TRAINING_KNOBS[2].default

    @property
    def structure(self) -> dict[str, Any]:
        """What all members share, as `Job.training` takes it."""
        return {name: getattr(self, name) for name in TRAINING}

    @property
    def numbers(self) -> dict[str, Any]:
        """What may differ between configurations."""
        return {knob.name: getattr(self, knob.name) for knob in TRAINING_KNOBS}


class Budget(Part):
    """How many configurations of every method."""

    configurations: Count = 24


class Halving(Part):
    """After which epochs weak configurations are dropped, and which share of them goes on."""

    rungs: list[Count] = []
    keep: Share = 1 / 3


class Resources(Part):
    """What one group takes of the cluster."""

    cpu: Annotated[float, Field(gt=0)] = 1
    gpu: Annotated[float, Field(ge=0)] = 0


class Confirm(Part):
    """How many of the best are trained again, with how many fresh seeds."""

    top: Count = 5
    seeds: Count = 10


class Storage(Part):
    """What is written while a search runs."""

    checkpoint_seconds: Annotated[float, Field(ge=0)] = 30.0


class Study(Part):
    """A study: its intent, complete and checked.

    Attributes are the keys of the study file. `methods` holds each method's axes, options and knobs with every default written out.

    Raises:
        StudyError: From every way to make one, with all faults at once.
    """

    name: Annotated[str, Field(pattern=f"^{NAME}$")]
    data: dict[str, Any] = {"name": "digits"}
    net: dict[str, Any] = {"name": "mlp"}
    training: Training = Training()
    methods: dict[str, dict[str, Any]]
    objectives: Annotated[list[Literal["accuracy", "tail", "stability"]], Field(min_length=1)] = list(OBJECTIVES)
    tail: str = "worst-class"
    seeds: Count = 3
    seed: Annotated[int, Field(ge=0, strict=True)] = 0
    budget: Budget = Budget()
    sampler: Literal["tpe", "gp", "nsga2", "cmaes", "random", "qmc"] = "tpe"
    halving: Halving = Halving()
    group: Literal["auto"] | Count = "auto"
    resources: Resources = Resources()
    confirm: Confirm = Confirm()
    storage: Storage = Storage()
    retries: Annotated[int, Field(ge=0, strict=True)] = 2
    precision: Literal["float32", "float64"] = "float32"
    ledger: str | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _checked(cls, given: Any, make: ValidatorFunctionWrapHandler) -> "Study":
        if isinstance(given, cls):
            return given
        if not isinstance(given, Mapping):
            raise StudyError([Fault("", f"must be keys and values, as in `name: digits`, got {type(given).__name__}")])
        plain = {key: value for key, value in given.items() if value is not None}
        faults = list(_meaning(plain))
        try:
            study = make({**plain, "methods": _written_out(plain)})
        except ValidationError as error:
            raise StudyError([*_structure(error), *faults]) from error
        if faults:
            raise StudyError(faults)
        return study

    @classmethod
    def read(cls, path: str | os.PathLike[str], changes: Mapping[str, str] | None = None) -> "Study":
        """The study of a file.

        Args:
            path: The file.
            changes: Dotted key to value as a study file writes it, in place of what the file says.

        Raises:
            StudyError: If it has faults.
            UserError: If there is no such file.
        """
        source = os.fspath(path)
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            raise UserError(f"{source}: the study file cannot be read ({reason}); give the path of a YAML file") from error
        return cls.parse(text, source, changes)

    @classmethod
    def parse(cls, text: str, source: str = "study", changes: Mapping[str, str] | None = None) -> "Study":
        """The study of a YAML text; `read` says the rest."""
        content, lines = notation.parse(text, source)
        for key, value in (changes or {}).items():
            content = _set(content, key.split("."), notation.value(value))
        try:
            return cls.model_validate(content)
        except StudyError as error:
            placed = [fault._replace(line=notation.line_of(fault.path, lines)) for fault in error.faults]
            raise StudyError(placed, source) from error

    def plain(self) -> dict[str, Any]:
        """The study as plain data with every default written out."""
        return self.model_dump(mode="json", exclude_none=True)

    def dump(self) -> str:
        """The study as a file with every default written out; `parse` gives the same study back."""
        return notation.dump(self.plain())

    @property
    def spaces(self) -> dict[str, Space]:
        """What is searched for each method, erm first."""
        refused = Refusals()
        found = {name: space(name, given, self.training.numbers, refused) for name, given in self.methods.items()}
        return {name: scope for name, scope in found.items() if scope is not None}

    def budget_of(self, method: str) -> int:
        """How many configurations of a method: the budget, or as many as there are where that is less (1 without a searched knob)."""
        return int(min(self.budget.configurations, self.spaces[method].points))


def _meaning(given: Mapping[str, Any]) -> Iterator[Fault]:
    """Faults that the shape of the data alone does not show."""
    yield from _arguments("data", given.get("data"), load.SOURCES, load.load, ("name",))
    net = given.get("net")
    named = nets.NETS.get(net["name"]) if isinstance(net, Mapping) and isinstance(net.get("name"), str) else None
    yield from _arguments("net", net, nets.NETS, named, ("shape", "classes"))
    yield from _training(given.get("training"))
    yield from _methods(given)
    if isinstance(given.get("tail"), str):
        try:
            scores.tail_named(given["tail"])
        except ValueError as error:
            yield Fault("tail", str(error).removeprefix("tail "))
    yield from _consistency(given)


def _arguments(part: str, given: Any, table: Mapping[str, Any], function: Any, but: tuple[str, ...]) -> Iterator[Fault]:
    """Faults of the name and the keyword arguments of a data set or a net."""
    if given is None:
        return
    if not isinstance(given, Mapping) or "name" not in given:
        yield Fault(part, f"must be keys with a name, as in {{name: {next(iter(table))}}}, got {given!r}")
        return
    if given["name"] not in table:
        yield Fault(f"{part}.name", f"must be one of {', '.join(table)}, got {given['name']!r}; {nearest(given['name'], list(table))}")
    if function is None:
        return
    parameters = {name: one for name, one in inspect.signature(function).parameters.items() if name not in but}
    for name, value in given.items():
        if name == "name":
            continue
        if name not in parameters:
            yield Fault(f"{part}.{name}", f"is no key of {part}; {nearest(name, [*parameters, 'name'])}")
            continue
        bound = SHARES.get(name) if part == "data" else (Field(ge=1) if parameters[name].annotation is int else None)
        message = _misfit(parameters[name].annotation, bound, value)
        if message:
            yield Fault(f"{part}.{name}", f"{message}; its default is {parameters[name].default!r}")


def _misfit(annotation: Any, bound: Any, value: Any) -> str | None:
    expected: Any = Annotated[annotation, bound] if bound is not None else annotation
    try:
        TypeAdapter(expected, config=ConfigDict(strict=True)).validate_python(value)
    except ValidationError as error:
        return _must(error.errors()[0]["msg"], value)
    return None


def _training(given: Any) -> Iterator[Fault]:
    if not isinstance(given, Mapping):
        return
    for key, table in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
        if key in given and given[key] not in table:
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
    for name, asked in chosen.items():
        if not isinstance(name, str) or not TypeAdapter(Annotated[str, Field(pattern=f"^{NAME}$")]).validator.isinstance_python(name):
            yield Fault(f"methods.{name}", "must be a name of letters, digits, dots, dashes and underscores")
            continue
        if asked is not None and not isinstance(asked, Mapping):
            yield Fault(f"methods.{name}", f"must be its knobs, as in `{name}: {{}}`, got {asked!r}")
            continue
        refused = Refusals()
        space(name, asked or {}, {}, refused)
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


def _structure(error: ValidationError) -> Iterator[Fault]:
    """Pydantic's findings in our words."""
    for found in error.errors():
        path = ".".join(str(key) for key in found["loc"] if key not in {"literal['auto']", "constrained-int"})
        if path.startswith("methods.") or (path == "methods" and found["type"] != "missing"):
            continue
        if found["type"] == "extra_forbidden":
            yield Fault(path, f"is no key of {_around(found['loc'])}; {nearest(str(found['loc'][-1]), _keys(found['loc'][:-1]))}")
        elif found["type"] == "missing":
            yield Fault("", f"must have the key {path}; add it, as in `{_EXAMPLES.get(path, path + ': ...')}`")
        elif found["type"] == "string_pattern_mismatch":
            yield Fault(path, f"must be a name of letters, digits, dots, dashes and underscores, got {found['input']!r}")
        else:
            yield Fault(path, _must(found["msg"], found["input"]))


_EXAMPLES = {"name": "name: digits", "methods": "methods: {g-mix: {}, softad: {}}"}


def _must(message: str, value: Any) -> str:
    words = message[0].lower() + message[1:]
    return f"{words.replace('input should', 'must').replace('must have', 'must have')}, got {value!r}"


def _around(loc: tuple[Any, ...]) -> str:
    return ".".join(str(key) for key in loc[:-1]) or "a study"


def _keys(loc: tuple[Any, ...]) -> list[str]:
    model: type[BaseModel] = Study
    for key in loc:
        inner = model.model_fields[str(key)].annotation
        model = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else Study
    return list(model.model_fields)


def _written_out(given: Mapping[str, Any]) -> Any:
    """The methods with erm among them and every default written out; what is at fault stays as it is and is reported elsewhere."""
    chosen = given.get("methods")
    if not isinstance(chosen, Mapping) or not chosen:
        return chosen
    complete: dict[Any, Any] = {}
    for name, asked in {ERM: {}, **chosen}.items():
        own = dict(asked) if isinstance(asked, Mapping) else {}
        found = space(str(name), own, {}, Refusals())
        kept = {knob.name: own[knob.name] for knob in TRAINING_KNOBS if knob.name in own}
        complete[name] = {**found.plain(), **kept} if found else own
    return complete


def _set(content: Any, keys: list[str], value: Any) -> Any:
    """The content with one value in place of another, deep inside; folders of keys are made where they are missing."""
    if not keys:
        return value
    inner = dict(content) if isinstance(content, Mapping) else {}
    inner[keys[0]] = _set(inner.get(keys[0]), keys[1:], value)
    return inner
