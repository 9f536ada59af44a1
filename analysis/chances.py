"""Chances of ranks: joint draws of the configurations' true figures, and what they say of who is best.

4,000 draws from a fixed stream: same evidence, same chances.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.summary import USEFULNESS, Summary
from trainables.draws import stream

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]

DRAWS = 4000
MOST = 2000
"""Configurations drawn jointly: those with the highest plausible value. The others cannot come near the top."""

TOGETHER = 0.95
"""Total chance of the indistinguishable set."""

OF_RULE = {
    "guarantee": USEFULNESS,
    "pareto": USEFULNESS,
    "oracle": USEFULNESS,
    "mean": "accuracy",
    "tail": "tail",
    "stability": "stability",
}
"""The figure whose best configuration a rule looks for."""


class Chances(NamedTuple):
    """What the draws say, arrays (C,); nan for configurations that were not drawn.

    Attributes:
        best: P(has the highest true figure). top: P(is among the best `size`).
        expected: Expected rank, 1 the best. low, high: 5th and 95th percentile of the rank.
        indistinguishable: Members of the smallest set whose chances of being best sum to .95 or more.
        size: The k of P(top k).
    """

    best: Floats
    top: Floats
    expected: Floats
    low: Floats
    high: Floats
    indistinguishable: Bools
    size: int


def drawn(summary: Summary, eligible: Bools, figure: str) -> NDArray[np.intp]:
    """Positions of the configurations worth drawing: eligible, of known spread, at most `MOST` by mean plus four deviations."""
    of = summary.figures[figure]
    known = eligible & (of.df > 0) & np.isfinite(of.shrunk)
    reach = np.where(known, of.shrunk + 4 * np.sqrt(np.where(known, of.shrunk_variance, 0.0)), -np.inf)
    return np.sort(np.argsort(-reach, kind="stable")[: min(MOST, int(known.sum()))])


def draw(summary: Summary, rows: NDArray[np.intp], draws: int = DRAWS) -> dict[str, Floats]:
    """Joint draws of the true figures of some configurations, each (draws, C'): accuracy, tail, stability, utility.

    Each figure is mu_c + sqrt(var mu_c) times a t of the variance's degrees of freedom. The three figures of one configuration are
    drawn with the correlation that they show over seeds; utility is the weighted sum of the drawn accuracy and tail.
    """
    names = ("accuracy", "tail", "stability")
    source = stream(0, "joint draws of configurations")
    normal = source.standard_normal((draws, len(rows), 3))
    df = np.clip(summary.figures[USEFULNESS].df[rows], 1, 1e6)
    scale = np.sqrt(source.chisquare(df, (draws, len(rows))) / df)
    mixed = normal @ np.linalg.cholesky(_definite(summary.correlation)).T / scale[:, :, None]
    found = {}
    for place, name in enumerate(names):
        figure = summary.figures[name]
        variance = np.nan_to_num(figure.shrunk_variance[rows])
        found[name] = figure.shrunk[rows] + np.sqrt(variance) * mixed[:, :, place]
    found[USEFULNESS] = summary.weights["mean"] * found["accuracy"] + summary.weights["tail"] * found["tail"]
    return found


def chances(draws: Floats, rows: NDArray[np.intp], count: int, size: int) -> Chances:
    """Chances of ranks from draws (D, C') of one figure for the configurations at `rows` among `count`."""
    spread = [np.full(count, np.nan) for _ in range(5)]
    inside = np.zeros(count, bool)
    size = min(size, len(rows))
    if len(rows):
        ranks = _ranks(draws)
        best = (ranks == 1).mean(0)
        values = best, (ranks <= size).mean(0), ranks.mean(0), *np.quantile(ranks, [0.05, 0.95], axis=0, method="nearest")
        for target, value in zip(spread, values, strict=True):
            target[rows] = value
        order = np.argsort(-best, kind="stable")
        needed = int(np.searchsorted(np.cumsum(best[order]), TOGETHER - 1e-9)) + 1
        inside[rows[order[:needed]]] = True
    return Chances(*spread, inside, size)


def _ranks(draws: Floats) -> NDArray[np.int32]:
    """Rank of each column within each draw, 1 the highest; ties, which only equal certainties make, fall at random."""
    ties = stream(0, "ties of ranks").permuted(np.broadcast_to(np.arange(draws.shape[1]), draws.shape), axis=1)
    order = np.lexsort((ties, -draws), axis=1)
    ranks = np.empty(draws.shape, np.int32)
    np.put_along_axis(ranks, order, np.arange(1, draws.shape[1] + 1, dtype=np.int32)[None], axis=1)
    return ranks


def _definite(correlation: Floats) -> Floats:
    """The correlation pulled to the identity just enough to be positive definite."""
    return 0.999 * correlation + 0.001 * np.eye(len(correlation))
