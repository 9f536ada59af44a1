"""A study and workers that train nothing: scores follow from the numbers alone, so that what a search does can be checked by hand."""

import functools
import tempfile
from pathlib import Path

import numpy as np

from search.files import evidence_file
from search.ledger import Ledger
from search.page import Group
from search.storage import connect
from search.study import Study
from trainables import evidence
from trainables.evidence import COMPLETE, Evidence
from trainables.home import Home

EXAMPLES = 50


def study(**changes) -> Study:
    """Two methods beside erm, two seeds, budget 6."""
    given = {
        "name": "fake",
        "methods": {"mixup": {"alpha": [0.1, 4.0]}, "sam": {"rho": [0.01, 1.0]}},
        "seeds": 2,
        "budget": {"configurations": 6},
        "group": 4,
        **changes,
    }
    return Study.model_validate(given)


@functools.cache
def empty() -> bytes:
    """A ledger's file before its first study; Optuna takes half a second to make one."""
    with tempfile.TemporaryDirectory() as folder:
        connect(f"sqlite:///{folder}/ledger.db").engine.dispose()
        return (Path(folder) / "ledger.db").read_bytes()


def opened(folder, asked=None, **options) -> Ledger:
    """A ledger in a folder."""
    file = Path(folder) / "ledger.db"
    if not file.exists():
        file.write_bytes(empty())
    return Ledger(asked or study(), connect(f"sqlite:///{folder}/ledger.db"), **options)


def score(numbers) -> float:
    """Best at alpha 1 and rho .1, which are the middle of their ranges on a log scale."""
    return float(np.exp(-sum(np.log(numbers[name] / best) ** 2 for name, best in (("alpha", 1.0), ("rho", 0.1)) if name in numbers)))


def members(asked: Study, group: Group, status: str = COMPLETE) -> list[Evidence]:
    """What a worker would have left of a group."""
    return [
        Evidence(
            study=asked.name,
            method=group.method,
            configuration=configuration.number,
            seed=seed,
            group=group.name,
            status=status,
            epochs=asked.training.epochs,
            split="selection",
            knobs=configuration.numbers,
            accuracy=score(configuration.numbers),
            tail=score(configuration.numbers) / 2,
            loss=1.0,
            seconds=0.1,
            device="cpu",
            losses=np.zeros(EXAMPLES, np.float32),
            predictions=np.arange(EXAMPLES).astype(np.int16) % 5,
        )
        for configuration in group.configurations
        for seed in group.seeds
    ]


def leave(home: Home, asked: Study, group: Group, status: str = COMPLETE) -> None:
    """Write a group's evidence as its worker would."""
    home.write(evidence_file(group), evidence.to_bytes(members(asked, group, status)))
