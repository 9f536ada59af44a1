"""The table: a study's evidence as tidy frames, one row a member and one row a configuration.

Figures of a member are accuracy, tail and stability; its stability is a jackknife pseudo-value, so that the mean over seeds is
1 - churn and the spread over seeds is its uncertainty. A diverged member stays in, at chance level.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import agreement, reading
from analysis.reading import Home
from trainables.evidence import FAILED, PRUNED
from trainables.scores import Truth

FIGURES = ("accuracy", "tail", "stability")
"""What is judged, each in [0, 1] and better when larger."""

BASELINE = "erm"
"""The method that every judgement is against."""


@dataclass(frozen=True)
class Table:
    """A study's evidence on one split.

    Attributes:
        home: Where it was read from.
        name: The study's name.
        split: "selection" or "test".
        intent: study.yaml as plain values. environment: environment.json.
        members: One row a member: key, method, configuration, seed, status, epochs, accuracy, tail, stability, loss, seconds, device,
            scored (whether it counts for its configuration's figures), file and row (where its evidence stands).
        configurations: One row a configuration, indexed by key: method, configuration, seeds, failures, epochs, state ("complete" or
            "dropped" at a rung), seconds, noise (split noise of the accuracy).
        knobs: Its numbers by name, indexed by key; nan where a method has no such knob.
        turned: Names of the knobs that the search turned, by method.
        truth, names, pictures: Labels, class names and pictures of the split; None and empty where the study left none.
        wrong: Members of each method that got each example wrong, (N,); who failed made no predictions and does not count.
        paths: Evidence files by number.
        notes: What could not be read, in words.
        confirmed: The same on the test split, once `confirm` has run.
    """

    home: Home
    name: str
    split: str
    intent: dict[str, Any]
    environment: dict[str, Any]
    members: pd.DataFrame
    configurations: pd.DataFrame
    knobs: pd.DataFrame
    turned: dict[str, list[str]]
    truth: Truth | None
    names: list[str]
    pictures: NDArray[np.uint8]
    wrong: dict[str, NDArray[np.int64]]
    paths: list[str]
    notes: list[str] = field(default_factory=list)
    confirmed: "Table | None" = None

    @property
    def leading(self) -> "Table":
        """The evidence that a judgement leads with: fresh seeds on the test split once some configuration has them, else this."""
        return self if self.confirmed is None or not len(self.confirmed) else self.confirmed

    @property
    def methods(self) -> list[str]:
        """Method names, the baseline first, then as in the study file, then by name."""
        wanted = [BASELINE, *(self.intent.get("methods") or {})]
        found = set(self.configurations["method"])
        return [name for name in dict.fromkeys([*wanted, *sorted(found)]) if name in found]

    def __len__(self) -> int:
        """Configurations that were trained to the end."""
        return int((self.configurations["state"] == "complete").sum())

    def __repr__(self) -> str:
        state = self.configurations["state"]
        also = f", {len(self.confirmed)} confirmed on the test split" if self.confirmed else ""
        return (
            f"Table of study {self.name!r} ({self.split} split): {len(self)} configurations of {len(self.methods)} methods trained to "
            f"the end, {int((state == 'dropped').sum())} dropped at rungs, {len(self.members)} members{also}"
        )

    def _repr_html_(self) -> str:
        counts = pd.crosstab(self.configurations["method"], self.configurations["state"])
        return f"<p>{escape(repr(self))}</p>{counts.to_html()}"


def load(path: str) -> Table:
    """Read the study in a folder (or at a URL that fsspec opens).

    Raises:
        ValueError: If the folder is missing, is no study's, or holds no evidence yet; the message says which.
    """
    home = reading.home_at(path)
    table = _split(home, "selection", "evidence")
    if table is None:
        told = "study.yaml is there, so no group has finished yet" if home.exists("study.yaml") else "nor study.yaml"
        raise ValueError(
            f"a study's folder must hold evidence to be judged, found none in {home.address}/evidence ({told}); let it run on or resume it"
        )
    confirmed = _split(home, "test", "evidence-test")
    return table if confirmed is None else replace(table, confirmed=replace(confirmed, turned=table.turned))


def _split(home: Home, split: str, folder: str) -> Table | None:
    raw, paths, notes = reading.scalars(home, folder)
    if raw.empty:
        return None
    found = reading.truth(home, split)
    members, configurations, knobs = _tidy(raw, found[0].classes if found else None)
    stability, noise, wrong = _agreement(home, paths, members[members["scored"]], found[0] if found else None)
    intent = reading.intent(home)
    return Table(
        home=home,
        name=str(intent.get("name") or home.root.rsplit("/", 1)[-1]),
        split=split,
        intent=intent,
        environment=reading.environment(home),
        members=members.assign(stability=stability.reindex(members.index)),
        configurations=configurations.assign(noise=noise.reindex(configurations.index)),
        knobs=knobs,
        turned=_turned(knobs, configurations["method"]),
        truth=found[0] if found else None,
        names=found[1] if found else [],
        pictures=found[2] if found else np.zeros(0, np.uint8),
        wrong=wrong,
        paths=paths,
        notes=notes,
    )


def _tidy(raw: pd.DataFrame, classes: int | None) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Members with keys, configurations, and their knobs. A member that was trained twice counts once, as last trained furthest."""
    members = raw.astype({"method": str, "status": str, "device": str}).sort_values(
        ["method", "configuration", "seed", "epochs", "file", "row"]
    )
    members = members.drop_duplicates(["method", "configuration", "seed"], keep="last").reset_index(drop=True)
    members["key"] = members.groupby(["method", "configuration"], sort=True).ngroup()
    diverged, pruned = members["status"].isin(FAILED), members["status"] == PRUNED
    if classes:
        for name in ("accuracy", "tail"):
            members[name] = members[name].where(~diverged | members[name].notna(), 1 / classes)
    by_key = members["key"]
    finished = (~diverged & ~pruned).groupby(by_key).any()
    dropped = pruned.groupby(by_key).any() & ~finished
    members["scored"] = ~pruned | by_key.map(dropped)
    counted = members[members["scored"]].groupby("key")
    configurations = pd.DataFrame(
        {
            "method": counted["method"].first(),
            "configuration": counted["configuration"].first(),
            "seeds": counted.size(),
            "failures": diverged[members["scored"]].groupby(by_key).sum(),
            "epochs": counted["epochs"].max(),
            "state": np.where(dropped, "dropped", "complete"),
            "seconds": members.groupby("key")["seconds"].sum(),
        }
    )
    texts = members.drop_duplicates("key").set_index("key")["knobs"]
    knobs = pd.DataFrame([json.loads(text) for text in texts], index=texts.index, dtype=float)
    return members.drop(columns="knobs"), configurations, knobs.reindex(sorted(knobs.columns), axis=1)


def _turned(knobs: pd.DataFrame, method: pd.Series) -> dict[str, list[str]]:
    values = knobs.groupby(method.reindex(knobs.index)).agg(lambda part: part.max() > part.min())
    return {str(name): [str(knob) for knob in values.columns[row.to_numpy()]] for name, row in values.iterrows()}


def _agreement(
    home: Home, paths: Sequence[str], members: pd.DataFrame, truth: Truth | None
) -> tuple["pd.Series[float]", "pd.Series[float]", dict[str, NDArray[np.int64]]]:
    """Stability of each scored member, split noise of each configuration, and how many members of each method missed each example."""
    dropped = (members["status"] == PRUNED).groupby(members["key"]).transform("any")
    members = members[~dropped]
    stability = pd.Series(np.nan, index=members.index)
    noise: dict[int, float] = {}
    wrong: dict[str, NDArray[np.int64]] = {}
    held: dict[int, NDArray[np.int16]] = {}
    for files, block in reading.together(members):
        held = {number: held[number] if number in held else reading.rows_of(home, paths[number], "predictions") for number in files}
        size = block.groupby("key")["seed"].transform("size")
        for seeds, part in block.groupby(size):
            shape = (len(part) // int(seeds), int(seeds))
            predictions = _rows(held, part).reshape(*shape, -1)
            stability[part.index] = agreement.stability_by_seed(agreement.pair_agreement(predictions)).ravel()
            if truth is None or len(truth.y) != predictions.shape[2]:
                continue
            right = predictions == truth.y
            noise.update(zip(part["key"].to_numpy()[:: shape[1]].tolist(), agreement.split_noise(right).tolist(), strict=True))
            made = ~part["status"].isin(FAILED).to_numpy().reshape(shape)
            for method, rows in _runs(part["method"].to_numpy()[:: shape[1]]):
                missed = (~right[rows[:, None] & made]).sum(0)
                wrong[method] = wrong[method] + missed if method in wrong else missed
    return stability, pd.Series(noise, dtype=float), wrong


def _rows(held: dict[int, NDArray[np.int16]], part: pd.DataFrame) -> NDArray[np.int16]:
    if len(held) == 1:
        return next(iter(held.values()))[part["row"].to_numpy()]
    return np.stack([held[int(file)][int(row)] for file, row in zip(part["file"], part["row"], strict=True)])


def _runs(values: NDArray[Any]) -> list[tuple[str, NDArray[np.bool_]]]:
    return [(str(value), values == value) for value in np.unique(values.astype(str))]
