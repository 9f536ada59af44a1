"""What may change in a study's life, what it costs, and what may not change, with the reason."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from search.errors import Fault, StudyError
from search.space import AXES, Space
from search.study import Study

COMPARED = "configurations trained or scored differently cannot be ranked together; launch a study of another name"


OTHER = "it would be another method; give that a name of its own"


@dataclass(frozen=True)
class Change:
    """How a study differs from what it was: each difference one line."""

    lines: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.lines)


def extended(
    study: Study, *, configurations: int | None = None, seeds: int | None = None, changes: Mapping[str, str] | None = None
) -> Study:
    """The study with more configurations, more seeds, or other values under dotted keys.

    Raises:
        StudyError: If what comes of it has faults.
    """
    asked = {"budget.configurations": configurations, "seeds": seeds}
    texts = {**{key: str(value) for key, value in asked.items() if value is not None}, **(changes or {})}
    return Study.parse(study.dump(), study.name, texts) if texts else study


def compare(before: Study, after: Study) -> Change:
    """How `after` differs from `before`.

    Raises:
        StudyError: If something differs that may not; every such thing is named.
    """
    refused = list(_refused(before, after))
    if refused:
        raise StudyError(refused, after.name)
    return Change(tuple(_allowed(before, after)))


def _refused(before: Study, after: Study) -> Iterator[Fault]:
    if before.name != after.name:
        yield Fault("name", f"must stay {before.name}, got {after.name}")
    for part, old, new in _fixed(before, after):
        if old != new:
            yield Fault(part, f"may not change from {old!r} to {new!r}: {COMPARED}")
    if before.ledger != after.ledger:
        yield Fault("ledger", f"may not change from {before.ledger!r}: what is known is there; where it was moved, say so with --ledger")
    if before.earlier != after.earlier:
        yield Fault("from", f"may not change from {before.earlier!r}: what an earlier study taught was taken over at the launch")
    if after.seeds < before.seeds:
        yield Fault("seeds", f"may not shrink from {before.seeds} to {after.seeds}: configurations with more seeds are there")
    for name, space in before.spaces.items():
        if name not in after.spaces:
            yield Fault(f"methods.{name}", "may not be taken away: its configurations are there; leave it out of the report instead")
        else:
            yield from _refused_method(space, after.spaces[name])


def _fixed(before: Study, after: Study) -> Iterator[tuple[str, Any, Any]]:
    """Everything that must be equal: (key, before, after)."""
    old, new = before.plain(), after.plain()
    for part in ("data", "net"):
        for key in sorted({*old[part], *new[part]}):
            yield f"{part}.{key}", old[part].get(key), new[part].get(key)
    for key, value in before.training.structure.items():
        yield f"training.{key}", value, after.training.structure[key]
    for key, value in before.training.numbers.items():
        now = after.training.numbers[key]
        if isinstance(value, int | float) and isinstance(now, int | float):  # a range may become another, and a number may become one
            yield f"training.{key}", value, now
    for part in ("scenario", "objectives", "tail", "precision"):
        yield part, old[part], new[part]


def _refused_method(before: Space, after: Space) -> Iterator[Fault]:
    for axis in AXES:
        if getattr(before.axes, axis) != getattr(after.axes, axis):
            yield Fault(f"methods.{before.name}.{axis}", f"may not change: {OTHER}")
    for key, value in before.options.items():
        if after.options.get(key, value) != value:
            yield Fault(f"methods.{before.name}.{key}", f"may not change from {value!r}: {OTHER}")


def _allowed(before: Study, after: Study) -> Iterator[str]:
    if after.seeds > before.seeds:
        yield f"seeds: {before.seeds} to {after.seeds}; complete configurations get the missing ones, their objectives in the ledger stay"
    for name, space in after.spaces.items():
        if name not in before.spaces:
            yield f"methods.{name}: new, {after.budget_of(name)} configurations"
            continue
        for key, domain in space.domains.items():
            old = before.spaces[name].domains[key]
            if old.plain() != domain.plain():
                yield f"methods.{name}.{key}: {old.plain()} to {domain.plain()}; what lies outside is kept, and not learnt from"
    old, new = before.plain(), after.plain()
    for key in ("budget", "sampler", "halving", "group", "resources", "confirm", "storage", "retries", "compile", "seed"):
        if old[key] != new[key]:
            yield f"{key}: {_short(old[key])} to {_short(new[key])}"


def _short(value: Any) -> str:
    return ", ".join(f"{key} {inner}" for key, inner in value.items()) if isinstance(value, Mapping) else str(value)
