"""The study file: what a search is asked to do. Every fault is found at once and says where it is and what must hold."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PrivateAttr, ValidationError, ValidatorFunctionWrapHandler, model_validator

from search import notation
from search.domain import Refusals
from search.errors import Fault, StudyError, UserError
from search.faults import ERM, NAME, OBJECTIVES, meaning, scenario_of, structure
from search.parts import Budget, Confirm, Count, Halving, Part, Resources, Storage, Training
from search.space import Space, space
from search.storage import without_password
from trainables import scenarios
from trainables.training import TRAINING_KNOBS

Objective = Literal["accuracy", "tail", "stability"]

FIXED = ("data", "net", "scenario", "training", "objectives", "tail", "precision")
"""Parts that may not change in a study's life: configurations trained differently cannot be compared."""


class Study(Part):
    """A study: its intent, complete and checked.

    Attributes are the keys of the study file; `earlier` is its key `from`, the name of a study in the same home whose results the samplers
    begin with. `methods` holds each method's axes, options and knobs with every default written out. The ledger's URL is kept without its
    password.

    Raises:
        StudyError: From every way to make one, with all faults at once.
    """

    model_config = ConfigDict(use_attribute_docstrings=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    name: Annotated[str, Field(pattern=f"^{NAME}$")]
    """What the study is called: a folder in the home."""
    data: dict[str, Any] = Field(default_factory=lambda: {"name": "digits"})
    """The data set by name, and what is done to it."""
    net: dict[str, Any] = Field(default_factory=lambda: {"name": "mlp"})
    """The network by name, and its options."""
    training: Training = Training()
    """How every member is trained."""
    scenario: dict[str, Any] = Field(default_factory=lambda: {"name": "supervised"})
    """What is learned: supervised, or contrastive, and its options."""
    methods: dict[str, dict[str, Any]]
    """The methods, and what is searched of each. erm is added."""
    objectives: Annotated[list[Objective], Field(min_length=1, default_factory=lambda: list(OBJECTIVES))]
    """What the samplers maximise: one or more of accuracy, tail, stability."""
    tail: str = "worst-class"
    """The tail score: worst-class, worst-group, or cvar(0.1), exp(-mean of the worst 10 % of cross-entropies)."""
    seeds: Count = 3
    """Members of each configuration."""
    seed: Annotated[int, Field(ge=0, strict=True)] = 0
    """Seed of the samplers."""
    budget: Budget = Budget()
    """How much is tried."""
    sampler: Literal["tpe", "gp", "nsga2", "cmaes", "random", "qmc"] = "tpe"
    """Optuna's sampler that proposes configurations."""
    halving: Halving = Halving()
    """When weak configurations are dropped."""
    group: Literal["auto"] | Count = "auto"
    """Members trained together in one process; auto measures what is fast."""
    resources: Resources = Resources()
    """What one group takes of the cluster."""
    confirm: Confirm = Confirm()
    """The race of `altiplano confirm`."""
    storage: Storage = Storage()
    """What is written while a search runs, and how long it waits."""
    retries: Annotated[int, Field(ge=0, strict=True)] = 2
    """How often a group is tried again after a fault of the machine."""
    precision: Literal["float32", "float64", "bf16"] = "float32"
    """Type of the weights; bf16: float32 weights, matrix products in bfloat16."""
    compile: Annotated[bool, Field(strict=True)] = False
    """Compile steps with torch's own compiler: half a minute for each method and number of members; fewer, larger kernels."""
    ledger: str | None = None
    """URL of a database for the ledger; a file in the study's folder where it is left out. Kept without its password."""
    earlier: Annotated[str | None, Field(alias="from")] = None
    """A study in the same home whose results the samplers begin with."""

    _secret: str | None = PrivateAttr(default=None)
    _origin: "_Origin" = PrivateAttr(default_factory=lambda: _Origin("", {}))

    @model_validator(mode="wrap")
    @classmethod
    def _checked(cls, given: Any, make: ValidatorFunctionWrapHandler) -> "Study":
        if isinstance(given, cls):
            return given
        if not isinstance(given, Mapping):
            raise StudyError([Fault("", f"must be keys and values, as in `name: digits`, got {type(given).__name__}")])
        plain = {str(key): value for key, value in given.items() if value is not None}
        faults = list(meaning(plain))
        plain["scenario"] = scenarios.written_out(plain.get("scenario", "supervised"))
        secret = plain.get("ledger")
        if isinstance(secret, str):
            plain["ledger"] = without_password(secret)
        try:
            study = make({**plain, "methods": _written_out(plain)})
        except ValidationError as error:
            raise StudyError([*structure(error, cls), *faults]) from error
        if faults:
            raise StudyError(faults)
        study._secret = secret if isinstance(secret, str) else None  # noqa: SLF001 its own
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
            content = _set(content, key.split("."), notation.value(value, key))
        try:
            study = cls.model_validate(content)
        except StudyError as error:
            raise _placed(error.faults, source, lines) from error
        study._origin = _Origin(source, lines)  # noqa: SLF001 its own
        return study

    def refused(self, faults: Sequence[Fault]) -> StudyError:
        """What to raise for faults that show only where the study meets its data: they are named with file and line, as all others are."""
        return _placed(faults, self._origin.source or self.name, self._origin.lines)

    @property
    def ledger_url(self) -> str | None:
        """The ledger's URL with the password, if the file had one; for opening it and nothing else."""
        return self._secret or self.ledger

    def plain(self) -> dict[str, Any]:
        """The study as plain data with every default written out."""
        return self.model_dump(mode="json", exclude_none=True)

    def dump(self) -> str:
        """The study as a file with every default written out; `parse` gives the same study back."""
        return notation.dump(self.plain())

    @property
    def spaces(self) -> dict[str, Space]:
        """What is searched for each method, erm first."""
        refused, scenario = Refusals(), scenarios.make(**self.scenario)
        found = {name: space(name, given, self.training.numbers, refused, scenario) for name, given in self.methods.items()}
        return {name: scope for name, scope in found.items() if scope is not None}

    def budget_of(self, method: str) -> int:
        """How many configurations of a method: the budget, or as many as there are where that is less (1 without a searched knob)."""
        return int(min(self.budget.configurations, self.spaces[method].points))


@dataclass(frozen=True)
class _Origin:
    """Where a study was read; no part of what it is, and so never compared."""

    source: str = field(compare=False)
    lines: notation.Lines = field(compare=False)


def _placed(faults: Sequence[Fault], source: str, lines: notation.Lines) -> StudyError:
    return StudyError([fault._replace(line=notation.line_of(fault.path, lines)) for fault in faults], source)


def _written_out(given: Mapping[str, Any]) -> Any:
    """The methods with erm among them and every default written out; what is at fault stays as it is and is reported elsewhere."""
    chosen, scenario = given.get("methods"), scenario_of(given)
    if not isinstance(chosen, Mapping) or not chosen:
        return chosen
    complete: dict[Any, Any] = {}
    for name, asked in {ERM: {}, **chosen}.items():
        own = dict(asked) if isinstance(asked, Mapping) else {}
        found = space(str(name), own, {}, Refusals(), scenario)
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
