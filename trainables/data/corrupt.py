"""Corrupted pictures with a severity each, the severities being the groups.

References:
    Severities spread by a Poisson law of mean 1, class by class: SharpDRO, arXiv 2303.13087 [read; they floor the shares, we round them].
"""

import dataclasses
import functools
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainables.arguments import unknown
from trainables.data import corruptions
from trainables.data.corruptions import LEVELS, NOISE
from trainables.data.raw import Blocks, Raw
from trainables.draws import stream

Shares = NDArray[np.float64]
"""Share of each severity 0 (none) to 5, (6,)."""

WORST = 5
NUMBERS = 1 << 20
"""Numbers (channels, pixels) corrupted at a time, about; part of what fixes the noise."""

SPLITS = ("train", "selection", "test")


class Corruption(NamedTuple):
    """Which corruptions, drawn evenly for each example, and how the severities are spread in each split."""

    kinds: tuple[str, ...]
    shares: dict[str, Shares]


def faults(where: str, given: Any) -> list[str]:
    """Every fault of a study file's `corruption`."""
    if not isinstance(given, Mapping):
        return [f"{where} must be like {{kinds: [blur], train: poisson(1), test: uniform}}, got {given!r}"]
    found = [unknown(f"{where}.{key}", key, ("kinds", *SPLITS)) for key in given if key not in ("kinds", *SPLITS)]
    kinds = _kinds(given)
    found += [unknown(f"{where}.kinds {kind}", str(kind), LEVELS) for kind in kinds if kind not in LEVELS]
    if not kinds:
        found.append(f"{where}.kinds must name at least one of {', '.join(LEVELS)}")
    for split in SPLITS:
        try:
            shares(given.get(split, "none"))
        except ValueError as error:
            found.append(f"{where}.{split} {error}")
    return found


def corruption(given: Mapping[str, Any]) -> Corruption:
    """What a study file's `corruption`, free of faults, says."""
    return Corruption(tuple(_kinds(given)), {split: shares(given.get(split, "none")) for split in SPLITS})


def _kinds(given: Mapping[str, Any]) -> list[Any]:
    kinds = given.get("kinds", [])
    return list(kinds) if isinstance(kinds, list | tuple) else [kinds]


def shares(law: str | float | None) -> Shares:
    """Share of each severity under a law: "none", a severity, "uniform", or "poisson(mean)" cut off after 5.

    Raises:
        ValueError: If it is none of these; the message begins with "must".
    """
    text = str(law).replace(" ", "").lower()
    if text == "none" or (text.isdigit() and int(text) <= WORST):
        return np.eye(WORST + 1)[0 if text == "none" else int(text)]
    if text == "uniform":
        return np.full(WORST + 1, 1 / (WORST + 1))
    match = re.fullmatch(r"poisson(?:\((\d+\.?\d*|\.\d+)\))?", text)
    mean = float(match[1] or 1) if match else 0.0
    if mean <= 0:
        raise ValueError(f"must be none, a severity 0..5, uniform or poisson(mean) with a mean above 0, got {law!r}")
    weights = np.array([mean**severity / math.factorial(severity) for severity in range(WORST + 1)])
    return weights / weights.sum()


def severities(y: NDArray[np.int64], spread: Shares, generator: np.random.Generator) -> NDArray[np.int64]:
    """A severity for each example, (N,): each class holds every severity's share of it, to within one example."""
    chosen = np.zeros(len(y), np.int64)
    for label in np.unique(y):
        members = generator.permutation(np.flatnonzero(y == label))
        chosen[members] = np.repeat(np.arange(WORST + 1), _counts(len(members), spread))
    return chosen


def _counts(total: int, spread: Shares) -> NDArray[np.int64]:
    """Whole numbers of sum `total` nearest to its shares, by largest remainder."""
    exact = total * spread
    counts = np.floor(exact).astype(np.int64)
    counts[np.argsort(counts - exact, kind="stable")[: total - counts.sum()]] += 1
    return counts


def corrupted(raw: Raw, severity: Mapping[str, NDArray[np.int64]], kinds: tuple[str, ...], seed: int) -> Raw:
    """A data set of pictures, corrupted as it is read; the severities are its groups.

    Args:
        raw: Pictures.
        severity: Severity of every example of each part, (N,).
        kinds: Corruptions, of which each example gets one.
        seed: Of noise and kinds, which for an example depend on it and on its part and place alone.
    """
    names = tuple(f"severity {level}" for level in range(WORST + 1))

    def part(name: str, held: Raw) -> Raw:
        kind = stream(seed, f"corruption-{name}").integers(0, len(kinds), len(held.y))
        read = functools.partial(_blocks, held.x, severity[name], kind, kinds, (seed, f"noise-{name}"))
        return Raw(Blocks(held.x.shape, np.dtype(held.x.dtype), read), held.y, held.classes, severity[name], names)

    parts = {name: part(name, held) for name, held in raw.parts.items()}
    return dataclasses.replace(parts["train"], test=parts.get("test"), selection=parts.get("selection"))


def _blocks(
    x: NDArray[Any] | Blocks, severity: NDArray[np.int64], kind: NDArray[np.int64], kinds: tuple[str, ...], noise: tuple[int, str]
) -> Iterator[NDArray[Any]]:
    x = _gathered(x)
    rows = max(1, NUMBERS // math.prod(x.shape[1:]))
    for start in range(0, len(x), rows):
        here = slice(start, start + rows)
        yield corrupt(np.asarray(x[here]), severity[here], kind[here], kinds, stream(*noise, start))


def corrupt(
    x: NDArray[Any], severity: NDArray[np.int64], kind: NDArray[np.int64], kinds: tuple[str, ...], generator: np.random.Generator
) -> NDArray[Any]:
    """The pictures, each corrupted by its kind at its severity; severity 0 leaves a picture as it is, bit for bit.

    Args:
        x: (n, C, H, W), bytes or float32 in [0, 1]; a corrupted float picture has one of 256 levels at each pixel.
        severity: 0..5, (n,).
        kind: Index into `kinds`, (n,).
        kinds: Names of corruptions.
        generator: Draws noise for all n pictures, so that a picture's noise does not depend on the severities.
    """
    pictures = (x if x.dtype == np.uint8 else np.round(255 * x.clip(0, 1).astype(np.float64))) / 255
    noise = generator.normal(size=x.shape) if NOISE in kinds else np.zeros(x.shape[:1])
    result = x.copy()
    for number, name in enumerate(kinds):
        for level in range(1, WORST + 1):
            rows = np.flatnonzero((severity == level) & (kind == number))
            if len(rows):
                levels = np.round(255 * corruptions.changed(name, pictures[rows], noise[rows], level).clip(0, 1))
                result[rows] = levels if x.dtype == np.uint8 else levels / 255
    return result


def in_memory(raw: Raw) -> Raw:
    """The data set with all that is read in blocks read."""
    parts = {name: dataclasses.replace(part, x=_gathered(part.x), test=None, selection=None) for name, part in raw.parts.items()}
    return dataclasses.replace(parts["train"], test=parts.get("test"), selection=parts.get("selection"))


def _gathered(x: NDArray[Any] | Blocks) -> NDArray[Any]:
    return np.concatenate(list(x.read())) if isinstance(x, Blocks) else x
