"""Which studies may be held against each other, and how far; what may not is refused with the reason.

Levels (accuracy, tail, stability) compare between studies that score the same examples in the same way, whatever trained the nets: a
supervised and a contrastive study too. Gains over a study's own ERM also compare between data sets.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from analysis import words
from analysis.ranking import Ranking, ranking
from analysis.summary import weights_checked
from analysis.table import Table

OF_TRAINING = {"label_noise", "label_noise_kind", "fraction", "imbalance", "augment", "probe_share"}
"""Options of data that change nothing of the selection and test splits."""

RULES = ("guarantee", "mean", "tail", "stability")
"""Rules that order configurations of several studies: a front is one study's, and the oracle's figures are no study's result."""

SUPERVISED = "supervised"
"""The scenario of a study file that names none."""


class Judged(NamedTuple):
    """A study as it enters a comparison: the table judged (the test split's where confirmed), its ranking, and the name of its data."""

    table: Table
    ranked: Ranking
    data: str
    confirmed: bool

    @property
    def name(self) -> str:
        """The study's name."""
        return self.table.name


class Studies(NamedTuple):
    """Studies sorted out for a comparison.

    Attributes:
        judged: Those that can be compared with another.
        together: Groups of two or more of them that score the same examples in the same way.
        refused: (name, reason) of the others.
    """

    judged: list[Judged]
    together: list[list[Judged]]
    refused: list[tuple[str, str]]


def sort_out(tables: Sequence[Table], rule: str, weights: Mapping[str, float]) -> Studies:
    """Judge the studies that can be compared with another, each on its confirmed figures where all that share its split have some.

    Raises:
        ValueError: If fewer than two are left, a study is given twice, or rule or weights make no sense here.
    """
    _check(tables, rule)
    used, refused = _by_tail(tables, uses_tail=rule == "tail" or weights_checked(weights)["tail"] > 0)
    splits = [split_of(table) for table in used]
    judged = []
    for table, split in zip(used, splits, strict=True):
        beside = [other for other, its in zip(used, splits, strict=True) if its == split]
        confirmed = all(_confirmed(one) for one in beside) and len({split_of(one.confirmed or one) for one in beside}) == 1
        judged.append(judge(table, rule, weights, confirmed=confirmed))
    shared = Counter(splits)
    lone = [one for one, split in zip(judged, splits, strict=True) if shared[split] == 1 and one.ranked.baseline is None]
    refused += [(one.name, "it has no finished ERM configuration, and no other study scores the same examples") for one in lone]
    going = [one for one in judged if one not in lone]
    if len(going) < 2:
        told = "; ".join(f"{name}: {reason}" for name, reason in refused)
        raise ValueError(f"a comparison takes two studies or more that can be held against each other; {told}")
    groups = [[one for one, its in zip(judged, splits, strict=True) if its == split] for split in dict.fromkeys(splits)]
    return Studies(going, [group for group in groups if len(group) > 1], refused)


def judge(table: Table, rule: str, weights: Mapping[str, float], *, confirmed: bool) -> Judged:
    """Rank a study for a comparison, on its confirmed figures if wanted."""
    used = table.confirmed if table.confirmed is not None and confirmed else table
    return Judged(used, ranking(used, rule, weights), data_of(table), confirmed)


def data_of(table: Table) -> str:
    """The data with its options, as `digits, label_noise 0.1`; label noise makes another task of the same pictures."""
    data = table.intent.get("data")
    if not isinstance(data, dict):
        return str(data or table.name)
    options = [f"{name} {value}" for name, value in data.items() if name != "name" and value]
    return ", ".join([str(data.get("name") or table.name), *options])


def scenario_of(table: Table) -> str:
    """What the study's nets are trained from."""
    found = table.intent.get("scenario")
    name = found.get("name") if isinstance(found, dict) else found
    return str(name or SUPERVISED)


def tail_of(table: Table) -> str:
    """What the tail score is taken over."""
    return str(table.intent.get("tail") or "worst-class").replace(" ", "")


def meaning(table: Table, method: str) -> tuple[Any, ...]:
    """What a method's name stands for in a study: the scenario and whatever its entry says that is no knob."""
    entry = (table.intent.get("methods") or {}).get(method)
    given = entry.items() if isinstance(entry, dict) else ()
    fixed = {name: value for name, value in given if isinstance(value, str | int | float) and name not in table.knobs.columns}
    return scenario_of(table), *sorted(fixed.items())


def split_of(table: Table) -> str:
    """A digest of the examples that a table's figures are taken on: equal for the same examples; a split left unsaved equals no other."""
    if table.truth is None:
        return f"unknown, of {table.name}"
    data = table.intent.get("data")
    options = data if isinstance(data, dict) else {"name": data}
    if len(table.pictures):  # which say what is seen; else it is only told how the inputs were made
        options = {"name": options.get("name")}
    kept = sorted((name, value) for name, value in options.items() if name not in OF_TRAINING)
    digest = hashlib.sha256(f"{table.split} of {kept}".encode())
    for values in (table.truth.y, table.truth.group, table.pictures):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _check(tables: Sequence[Table], rule: str) -> None:
    if len(tables) < 2:
        raise ValueError(f"a comparison takes two studies or more, got {len(tables)}; for one study write its report")
    twice = [name for name, count in Counter(table.name for table in tables).items() if count > 1]
    if twice:
        raise ValueError(f"every study may be given once, got {words.listed(twice)} more than once; leave it out, or rename one")
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)} to order configurations of several studies, got {rule!r}")


def _by_tail(tables: Sequence[Table], *, uses_tail: bool) -> tuple[list[Table], list[tuple[str, str]]]:
    """The studies that score the tail as most do, the first deciding a draw, and why not the others."""
    tails = [tail_of(table) for table in tables]
    common = Counter(tails).most_common(1)[0][0]
    if not uses_tail:
        return list(tables), []
    why = f"where the others have {common}, and utility holds the tail; compare by --rule mean --weights mean=1,tail=0"
    refused = [(table.name, f"its tail is {tail} {why}") for table, tail in zip(tables, tails, strict=True) if tail != common]
    return [table for table, tail in zip(tables, tails, strict=True) if tail == common], refused


def _confirmed(table: Table) -> bool:
    """Whether every method has fresh seeds on the test split."""
    return table.confirmed is not None and set(table.confirmed.methods) >= set(table.methods)
