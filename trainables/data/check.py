"""What is wrong with a study file's `data`, in words: every fault at once, before anything is loaded."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from trainables import arguments, plugin
from trainables.data import augment, corrupt
from trainables.data.sources import SOURCES

Bound = tuple[Callable[[float], bool], str]

SCENARIO: dict[str, Bound] = {
    "label_noise": (lambda value: 0 <= value < 1, "a share of at least 0 and below 1"),
    "fraction": (lambda value: 0 < value <= 1, "a share above 0 and at most 1"),
    "imbalance": (lambda value: value >= 1, "at least 1, the largest class' size over the smallest's"),
    "test_share": (lambda value: 0 < value < 1, "a share between 0 and 1"),
    "selection_share": (lambda value: 0 < value < 1, "a share between 0 and 1"),
    "probe_share": (lambda value: 0 < value < 1, "a share between 0 and 1"),
}
"""Numbers that `load` takes for any data set."""

LABEL_NOISE_KINDS = ("symmetric", "pairwise")
OTHERS = ("name", "label_noise_kind", "split_seed", "corruption", "augment")


def check(spec: Mapping[str, Any], where: str = "data") -> list[str]:
    """Every fault of a study file's `data`, each as "data.key what must hold, what was given".

    Files are looked for, not read; `load` says what is wrong inside them.

    Args:
        spec: Arguments of `trainables.data.load.load`, with `name`.
        where: Key of the mapping in the file.
    """
    name = spec.get("name")
    if not isinstance(name, str):
        return [f"{where}.name must name a data set ({', '.join(SOURCES)}, or module:object), got {name!r}"]
    general = {key: value for key, value in spec.items() if key in SCENARIO or key in OTHERS}
    found = _scenario(general, where)
    options = {key: value for key, value in spec.items() if key not in general}
    return found + _source(name, options, where)


def _source(name: str, options: Mapping[str, Any], where: str) -> list[str]:
    name = plugin.spelled_out("data", name)
    if plugin.is_named(name):
        return _plugin(name, options, where)
    if name not in SOURCES:
        return [arguments.unknown(f"{where}.name {name}", name, [*SOURCES, "module:object"])]
    found = arguments.faults(where, SOURCES[name], options, beside=(*SCENARIO, *OTHERS))
    if found or name == "digits":
        return found
    try:
        SOURCES[name](**options)
    except ValueError as error:
        return [f"{where} {error}"]
    return []


def _plugin(name: str, options: Mapping[str, Any], where: str) -> list[str]:
    try:
        thing = plugin.found(name)
    except ValueError as error:
        return [f"{where}.name {error}"]
    if callable(thing):
        return arguments.faults(where, thing, options, beside=(*SCENARIO, *OTHERS))
    return [f"{where}.{key} is unknown; {name} takes no options, it is no function" for key in options]


def _scenario(given: Mapping[str, Any], where: str) -> list[str]:
    found = [
        f"{where}.{key} must be {words}, got {given[key]!r}" for key, (holds, words) in SCENARIO.items() if not _number(given, key, holds)
    ]
    kind = given.get("label_noise_kind", "symmetric")
    if kind not in LABEL_NOISE_KINDS:
        found.append(f"{where}.label_noise_kind must be one of {', '.join(LABEL_NOISE_KINDS)}, got {kind!r}")
    seed = given.get("split_seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        found.append(f"{where}.split_seed must be a whole number of at least 0, got {seed!r}")
    if given.get("corruption") is not None:
        found += corrupt.faults(f"{where}.corruption", given["corruption"])
    if given.get("augment") is not None:
        found += augment.faults(f"{where}.augment", given["augment"])
    return found


def _number(given: Mapping[str, Any], key: str, holds: Callable[[float], bool]) -> bool:
    value = given.get(key)
    if value is None:
        return key not in given
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and bool(holds(value))
