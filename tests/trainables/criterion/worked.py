"""The five losses that the equations are worked for, a criterion evaluated on a batch, and every criterion there is."""

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.func import grad_and_value

from trainables import methods
from trainables.axes import Criterion, Gradient, Losses, State, Transition
from trainables.draws import streams
from trainables.nets.staged import Staged, functional

FIVE = (1e-9, 0.1, 0.3, 1.0, 5.0)
DOUBLE = torch.float64
OPTIONS = {
    "threshold": ("fixed", "quantile", "learned"),
    "aggregate": ("pointwise", "batch"),
    "transform": ("identity", "cvar", "chi2", "tilted"),
}
NET = functional(lambda: Staged([nn.Identity()], nn.Identity(), nn.Linear(2, 2)), (2,))


class Seen(NamedTuple):
    """A criterion's value, and its derivative by each loss."""

    value: float
    slopes: list[float]


def hyper(criterion: Criterion, numbers: Mapping[str, float] | None = None, dtype: torch.dtype = DOUBLE) -> dict[str, Tensor]:
    """Every knob at its default or as given."""
    known = {knob.name: knob.default for knob in criterion.knobs}
    assert set(numbers or {}) <= set(known), (numbers, known)
    return {name: torch.tensor(value, dtype=dtype) for name, value in {**known, **(numbers or {})}.items()}


def losses(values: Sequence[float], weights: Sequence[float] | None = None, dtype: torch.dtype = DOUBLE) -> Losses:
    """A batch's losses, equally weighted unless told."""
    value = torch.tensor(values, dtype=dtype)
    return Losses(value, torch.tensor(weights, dtype=dtype) if weights is not None else torch.full_like(value, 1 / len(values)))


def start(criterion: Criterion, numbers: Mapping[str, Tensor], threshold: float | None = None) -> State:
    """The criterion's state at the start, a learned threshold moved to the given number."""
    state = criterion.init(streams(0), numbers, NET, NET.init(streams(0)))
    return state if threshold is None else {"threshold": torch.full_like(state["threshold"], threshold)}


def at(
    criterion: Criterion,
    values: Sequence[float] = FIVE,
    weights: Sequence[float] | None = None,
    threshold: float | None = None,
    **knobs: float,
) -> Seen:
    """Value and slopes in float64."""
    numbers, given = hyper(criterion, knobs), losses(values, weights)
    state = start(criterion, numbers, threshold)
    slopes, value = grad_and_value(lambda value: criterion.risk(state, numbers, given._replace(value=value)))(given.value)
    return Seen(value.item(), slopes.tolist())


def adapted(criterion: Criterion, values: Sequence[float] = FIVE, threshold: float = 0.0, **knobs: float) -> float:
    """The learned threshold after one step from the given one."""
    numbers = hyper(criterion, knobs)
    after = criterion.adapt(start(criterion, numbers, threshold), numbers, NET, finished(losses(values)))
    return after["threshold"].item()


def watched(
    criterion: Criterion, values: Sequence[float] = FIVE, weights: Sequence[float] | None = None, **knobs: float
) -> dict[str, float]:
    """What the criterion logs of a step."""
    numbers = hyper(criterion, knobs)
    scalars = criterion.watch(start(criterion, numbers), numbers, finished(losses(values, weights)))
    return {name: value.item() for name, value in scalars.items()}


def finished(seen: Losses) -> Transition:
    """A weight step of which only the losses are known: no criterion may look at anything else."""
    return Transition(*[None] * 3, Gradient(None, seen, None, {}), *[None] * (len(Transition._fields) - 4))


def close(left: object, right: object, rel: float = 1e-9) -> bool:
    """Equality up to the digits that the references are printed with, of numbers, lists, or value and slopes."""
    if isinstance(left, Seen):
        value, slopes = right
        return close(left.value, value, rel) and close(left.slopes, slopes, rel)
    return left == pytest.approx(right, rel=rel, abs=1e-10)


def risk_of(criterion: Criterion, state: State, numbers: Mapping[str, Tensor], seen: Losses) -> dict[str, object]:
    """All that a criterion makes of a batch: value, slopes, the state after the step and what it logs."""
    slopes, value = grad_and_value(lambda value: criterion.risk(state, numbers, seen._replace(value=value)))(seen.value)
    done = finished(seen)
    state, logged = criterion.adapt(state, numbers, NET, done), criterion.watch(state, numbers, done)
    return {"value": value, "slopes": slopes, "state": state, "logged": logged}


def _variants() -> dict[str, Callable[[], Criterion]]:
    """Every criterion with every combination of its options that it accepts and that differs from the others."""
    found: dict[str, Callable[[], Criterion]] = {}
    for name, factory in methods.CRITERIA.items():
        options = {key: OPTIONS[key] for key in inspect.signature(factory).parameters}
        for choice in itertools.product(*options.values()):
            make = partial(factory, **dict(zip(options, choice, strict=True)))
            if not _refused(make) and not _said_twice(name, choice):
                found["-".join((name, *choice))] = make
    return found


def _refused(make: Callable[[], Criterion]) -> bool:
    try:
        make()
    except ValueError:
        return True
    return False


def _said_twice(name: str, choice: Sequence[str]) -> bool:
    """The automatic form is the quantile threshold; identity and tilted do not read their threshold. Equality tests hold both."""
    return name == "auto-concentration" or ("quantile" in choice and not {"identity", "tilted"}.isdisjoint(choice))


VARIANTS = _variants()
every_variant = pytest.mark.parametrize("name", VARIANTS)
