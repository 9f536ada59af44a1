"""Beginning with what an earlier study found: its configurations teach the samplers, and are neither trained again nor counted."""

import json
from collections.abc import Sequence
from typing import Any

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.errors import UserError
from search.ledger import Ledger
from search.page import NUMBERS
from search.study import Study
from trainables.home import Home

FILE = "earlier.json"
"""What was learnt, in the new study's home, so that the earlier study may be removed."""

Trials = dict[str, list[FrozenTrial]]


def collect(study: Study, earlier: Study, storage: BaseStorage) -> dict[str, list[dict[str, Any]]]:
    """The complete configurations of an earlier study, for the methods that both have with the same choice on the axes.

    Raises:
        UserError: If the objectives differ.
    """
    if earlier.objectives != study.objectives:
        raise UserError(f"from: {earlier.name}'s objectives must be this study's, {study.objectives}, but are {earlier.objectives}")
    if earlier.scenario != study.scenario:
        raise UserError(f"from: {earlier.name}'s scenario must be this study's, {study.scenario}, but is {earlier.scenario}")
    pages = Ledger(earlier, storage, reading=True).pages
    found = {}
    for name, space in study.spaces.items():
        if name in pages and pages[name].space.axes == space.axes:
            found[name] = [{"numbers": entry.numbers, "values": entry.values} for entry in pages[name].entries if entry.values is not None]
    return found


def remember(home: Home, found: dict[str, list[dict[str, Any]]]) -> None:
    """Keep what an earlier study found with the new one."""
    home.write(FILE, json.dumps(found).encode())


def recall(home: Home) -> Trials:
    """What `remember` kept, as trials that a sampler learns from; nothing where there is none."""
    content = home.read(FILE)
    return {name: _trials(records) for name, records in json.loads(content).items()} if content else {}


def _trials(records: Sequence[dict[str, Any]]) -> list[FrozenTrial]:
    return [create_trial(state=TrialState.COMPLETE, values=one["values"], user_attrs={NUMBERS: one["numbers"]}) for one in records]
