"""Which knob mattered: importance for reaching the best configurations, and each figure's dependence on each knob."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import smooth
from analysis.table import FIGURES

Floats = NDArray[np.floating]

FEWEST = 15
"""Configurations of a method needed to speak of its knobs."""

MOST = 2000
"""Configurations of a method that are looked at: evenly spaced through those tried."""


class Dependence(NamedTuple):
    """How a figure depends on a knob of a method, the method's other knobs averaged over what was tried.

    Attributes:
        along: Knob values (A,). mean, half: the curve and half its 95 % band, shares.
    """

    along: Floats
    mean: Floats
    half: Floats


def importance(frame: pd.DataFrame, knobs: pd.DataFrame) -> pd.DataFrame:
    """PED-ANOVA of each method's knobs for each figure: share of importance for reaching its best configurations.

    The best are the top tenth, or five configurations where that is more. Shares of a method sum to 1 for each figure.

    Args:
        frame: The ranking.
        knobs: Values of the searched knobs by configuration key, nan where a method does not turn one.

    References:
        Watanabe, Bansal and Hutter 2023 (*read* through Optuna's implementation).
    """
    rows = []
    for method, part in frame.sort_index().groupby("method", sort=False):
        values = knobs.reindex(part.index).dropna(axis=1, how="any")
        if values.shape[1] < 2 or len(part) < FEWEST:
            continue
        chosen = np.unique(np.linspace(0, len(part) - 1, min(MOST, len(part))).round().astype(int))
        for figure in FIGURES:
            scores = part[figure].to_numpy(float)[chosen]
            if np.isfinite(scores).all() and np.ptp(scores) > 0:
                shares = _ped_anova(values.iloc[chosen], scores)
                rows += [(str(method), name, figure, share) for name, share in shares.items()]
    return pd.DataFrame(rows, columns=["method", "knob", "figure", "share"])


def _ped_anova(values: pd.DataFrame, scores: Floats) -> Mapping[str, float]:
    import optuna

    told = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(study_name="importance")
    finally:
        optuna.logging.set_verbosity(told)
    spaces: dict[str, Any] = {}
    for name in values.columns:
        low, high = float(values[name].min()), float(values[name].max())
        spaces[str(name)] = optuna.distributions.FloatDistribution(low, high, log=is_log(values[name].to_numpy(float)))
    rows = values.to_numpy(float)
    study.add_trials(
        [
            optuna.trial.create_trial(params=dict(zip(spaces, row.tolist(), strict=True)), distributions=spaces, value=-score)
            for row, score in zip(rows, scores.tolist(), strict=True)
        ]
    )
    quantile = min(0.5, max(0.1, 5 / len(scores)))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=quantile)
    return optuna.importance.get_param_importances(study, evaluator=evaluator)


def is_log(values: Floats) -> bool:
    """Whether a knob's values ask for a logarithmic scale: positive, and spread over a factor of twenty."""
    finite = values[np.isfinite(values)]
    return bool(len(finite) and finite.min() > 0 and finite.max() / finite.min() > 20)


def scaled(values: Floats) -> Floats:
    """A knob's values on [0, 1], by their logarithm where `is_log`."""
    used = np.log(values) if is_log(values) else values
    return (used - used.min()) / max(float(np.ptp(used)), 1e-12)


def unscaled(at: Floats, values: Floats) -> Floats:
    """Knob values at points of [0, 1], the inverse of `scaled`."""
    used = np.log(values) if is_log(values) else values
    found = used.min() + at * np.ptp(used)
    return np.exp(found) if is_log(values) else found


def dependences(part: pd.DataFrame, values: pd.DataFrame) -> dict[tuple[str, str], Dependence]:
    """Partial dependence of each figure on each knob of one method, by (knob, figure).

    Configurations with a failed seed are left out: chance level is no point of a smooth curve. Where few are left nothing is said.

    Args:
        part: The method's rows of the ranking. values: its searched knobs, same index, complete.
    """
    rows = part.index[part["failures"].to_numpy() == 0].sort_values()
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(MOST, len(rows))).round().astype(int))] if len(rows) else rows
    found = {}
    x = values.loc[rows].to_numpy(float)
    if len(rows) < FEWEST or (np.ptp(x, axis=0) <= 0).any():
        return {}
    unit = np.stack([scaled(column) for column in x.T], axis=1)
    at = np.linspace(0, 1, 41)
    for figure in FIGURES:
        y = part.loc[rows, figure].to_numpy(float)
        if not np.isfinite(y).all():
            continue
        half = part.loc[rows, f"{figure}_sd"].to_numpy(float) ** 2 / part.loc[rows, "seeds"].to_numpy(float)
        fitted = smooth.fit(unit, y, np.nan_to_num(half))
        for place, name in enumerate(values.columns):
            mean, band = smooth.curve(fitted, place, at, unit)
            found[str(name), figure] = Dependence(unscaled(at, x[:, place]), mean, band)
    return found
