"""Tables made of numbers alone, for simulations whose truth is known."""

from collections.abc import Sequence
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.reading import Home
from analysis.table import Table
from trainables.evidence import COMPLETE, DIVERGED

Floats = NDArray[np.float64]


def simulated(
    accuracy: Floats,
    tail: Floats | None = None,
    stability: Floats | None = None,
    methods: Sequence[str] | None = None,
    diverged: NDArray[np.bool_] | None = None,
    knobs: pd.DataFrame | None = None,
) -> Table:
    """A table of scores (configurations, seeds), nan where a configuration lacks a seed; tail as accuracy by default, no stability."""
    count = len(accuracy)
    key, seed = np.nonzero(np.isfinite(accuracy))
    names = np.asarray(["mixup"] * count if methods is None else methods)
    failed = np.zeros(accuracy.shape, bool) if diverged is None else diverged
    members = pd.DataFrame(
        {
            "key": key,
            "method": names[key],
            "configuration": key,
            "seed": seed,
            "status": np.where(failed[key, seed], DIVERGED, COMPLETE),
            "epochs": 10,
            "accuracy": accuracy[key, seed],
            "tail": (accuracy if tail is None else tail)[key, seed],
            "stability": np.nan if stability is None else stability[key, seed],
            "loss": 1.0,
            "seconds": 1.0,
            "device": "cpu",
            "scored": True,
            "file": 0,
            "row": np.arange(len(key)),
        }
    )
    counts = np.isfinite(accuracy).sum(1)
    configurations = pd.DataFrame(
        {
            "method": names,
            "configuration": np.arange(count),
            "seeds": counts,
            "failures": failed.sum(1),
            "epochs": 10,
            "state": "complete",
            "seconds": counts * 1.0,
            "noise": np.nan,
        }
    )
    home = Home(fsspec.filesystem("file"), str(Path("nowhere")), "nowhere")
    none = pd.DataFrame(index=range(count)) if knobs is None else knobs
    return Table(home, "simulated", "selection", {}, {}, members, configurations, none, {}, None, [], np.zeros(0, np.uint8), {}, [])
