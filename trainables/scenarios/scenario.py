"""A scenario: what training learns from, and how what it has learned is judged."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from trainables.axes import Mixing
from trainables.engine.judging import Judging

Refused = Mapping[tuple[str, str], str]
"""Why a strategy cannot take part, and what is nearest: by (axis, name)."""

NONE: Mapping[Any, str] = MappingProxyType({})


def without_faults(given: Mapping[str, Any]) -> list[str]:
    """The faults of a study for a scenario that asks nothing of it."""
    return []


class Scenario(NamedTuple):
    """What a study's members learn from.

    Attributes:
        mixings: Factories of its mixings by name, those of labels in their contrastive form, say.
        judging: How a group is judged.
        refused: Strategies that have no meaning in it.
        nats: Knobs in nats of another loss, which have no range of their own here: a study must give one.
        faults: What the rest of a study file must be for it: (study as plain data) -> faults, each "key what must hold".
        own: Whether mixings of the user's own, by module:object, take part.
    """

    mixings: Mapping[str, Callable[..., Mixing]]
    judging: Judging
    refused: Refused = NONE
    nats: Mapping[str, str] = NONE
    faults: Callable[[Mapping[str, Any]], list[str]] = without_faults
    own: bool = True
