"""Chances of ranks: joint draws of the configurations' true figures, and what they say of who is best.

4,000 draws from a fixed stream: same evidence, same chances.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import chi2

from analysis.summary import USEFULNESS, Figure, Summary
from analysis.table import FIGURES
from trainables.draws import stream

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]

DRAWS = 4000
MOST = 1000
"""Configurations drawn jointly: those with the highest plausible value. The others cannot come near the top."""

GRID, NODES = 60, 32
"""Points of the grids over tau and over each variance."""

AGAINST, BLOCK = 200, 10_000
"""Draws of the population where all configurations are held against one, and of how many configurations at a time."""

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


class Population(NamedTuple):
    """What configurations are drawn from: draws of tau and of m0, each (D,), and the posterior means of m0 and tau^2."""

    scale: Floats
    centre: Floats
    typical: tuple[float, float]


def drawn(summary: Summary, eligible: Bools, figure: str) -> NDArray[np.intp]:
    """Positions of the configurations worth drawing: eligible, of known spread, at most `MOST` by mean plus four deviations."""
    of = summary.figures[figure]
    known = eligible & (of.df > 0) & np.isfinite(of.shrunk)
    reach = np.where(known, of.shrunk + 4 * np.sqrt(np.where(known, of.shrunk_variance, 0.0)), -np.inf)
    return np.sort(np.argsort(-reach, kind="stable")[: min(MOST, int(known.sum()))])


def draw(summary: Summary, rows: NDArray[np.intp], draws: int = DRAWS) -> dict[str, Floats]:
    """Joint draws of the true figures of some configurations, each (draws, C'): accuracy, tail, stability, utility.

    The three figures of one configuration are drawn with the correlation that they show over seeds; utility is the weighted sum of the
    drawn accuracy and tail.
    """
    source = stream(0, "joint draws of configurations")
    mixed = np.linalg.cholesky(_definite(summary.correlation))
    normal = [source.standard_normal((draws, len(rows))) for _ in FIGURES]
    found = {}
    for place, name in enumerate(FIGURES):
        joint = sum((mixed[place, other] * normal[other] for other in range(place + 1)), np.zeros(()))
        found[name] = posterior(summary.figures[name], summary.seeds, rows, joint, source)
    found[USEFULNESS] = summary.weights["mean"] * found["accuracy"] + summary.weights["tail"] * found["tail"]
    return found


def difference(summary: Summary, first: int, second: int, name: str, level: float = 0.95) -> tuple[float, float, float]:
    """How much higher the true figure at one position lies than at another: (mean, low, high) of the joint draws; nan where unknown.

    Not the difference of shrunken means with their variances added: where the spread of the population is estimated as none, both are
    the population's mean, known exactly, and the interval has no width.
    """
    figure = summary.figures[name]
    if min(figure.df[first], figure.df[second]) <= 0:
        return float("nan"), float("nan"), float("nan")
    drawn_both = draw(summary, np.array([first, second]))[name]
    apart = drawn_both[:, 0] - drawn_both[:, 1]
    low, high = np.clip(np.quantile(apart, [0.5 - level / 2, 0.5 + level / 2]), -1, 1)  # scores lie in [0, 1]
    return float(apart.mean()), float(low), float(high)


def reaches(figure: Figure, seeds: Floats, position: int, margin: float) -> Floats:
    """P(true figure of each configuration >= that at `position` - margin), (C,), as `posterior` has it; 1 for itself, nan where unknown.

    Not Student's t of the shrunken means: for the reason of `difference` it would be 1 for all where tau is estimated as 0. Given a draw of
    the population and the variances both figures are normal, so their difference is not drawn, and few draws do.
    """
    found = np.full(len(seeds), np.nan)
    found[position] = 1.0
    if figure.df[position] <= 0:
        return found
    source = stream(0, "draws against one")
    place = np.array([position])
    uniform = source.random((AGAINST, 1))
    population = _population(figure, seeds, AGAINST, source)
    against, spread = _given(figure, seeds, place, uniform, population)
    known = np.flatnonzero((figure.df > 0) & (np.arange(len(seeds)) != position))
    for rows in np.split(known, range(BLOCK, len(known), BLOCK)):
        centre, deviation = _given(figure, seeds, rows, source.random((AGAINST, len(rows))), population)
        found[rows] = ndtr((centre - against + margin) / np.maximum(np.hypot(deviation, spread), 1e-9)).mean(0)
    return found


def posterior(figure: Figure, seeds: Floats, rows: NDArray[np.intp], normal: Floats, source: np.random.Generator) -> Floats:
    """Draws of one figure's true values at `rows`, (D, C'), from standard normals of that shape.

    The model is that of `statistics.shrink`, theta_c ~ N(m0, tau^2) and m_c ~ N(theta_c, sigma_c^2 / k), but nothing is plugged in: tau
    is drawn from its posterior under a flat prior, m0 given tau, sigma_c^2 given its moderated estimate and m_c (who leads by luck has more
    likely a large variance), theta_c given all. Plugged in, the chances of the leaders came out too high: of those near .8, .6 were best.

    References:
        Gelman and others, Bayesian Data Analysis, 3rd edition, section 5.4 (*read*); the variance's part is *ours*.
    """
    uniform = source.random(normal.shape)
    centre, deviation = _given(figure, seeds, rows, uniform, _population(figure, seeds, len(normal), source))
    return centre + deviation * normal


def _given(figure: Figure, seeds: Floats, rows: NDArray[np.intp], uniform: Floats, population: Population | None) -> tuple[Floats, Floats]:
    """Mean and deviation of theta_c at `rows`, each (D, C'), given draws of the population and, by the uniform numbers, of sigma_c^2."""
    mean, df = figure.mean[rows], np.clip(figure.df[rows], 1, 1e6)
    nodes = (figure.variance[rows] / seeds[rows] * df)[:, None] / chi2.ppf((np.arange(NODES) + 0.5) / NODES, df[:, None])
    if population is None:
        return np.broadcast_to(mean, uniform.shape), np.sqrt(_choose(nodes, np.ones_like(nodes), uniform))
    pulled = figure.usual[rows]
    total = nodes + population.typical[1]
    weight = np.where(pulled[:, None], np.exp(-0.5 * (mean - population.typical[0])[:, None] ** 2 / total) / np.sqrt(total), 1.0)
    variance = _choose(nodes, weight + 1e-300, uniform)
    pull = np.where(pulled, variance / (variance + population.scale[:, None] ** 2), 0.0)
    return pull * population.centre[:, None] + (1 - pull) * mean, np.sqrt((1 - pull) * variance)


def _population(figure: Figure, seeds: Floats, draws: int, source: np.random.Generator) -> Population | None:
    """Draws of the population; None where fewer than three configurations make none."""
    usual = figure.usual
    if usual.sum() < 3:
        return None
    mean, variance = figure.mean[usual], figure.variance[usual] / seeds[usual]
    grid = (np.arange(GRID) + 0.5) / GRID * 4 * max(float(mean.std()), 1e-9)
    log_density, centres, precisions = np.empty(GRID), np.empty(GRID), np.empty(GRID)
    for place, tau in enumerate(grid):
        weight = 1 / (variance + tau**2)
        precisions[place] = weight.sum()
        centres[place] = (weight * mean).sum() / precisions[place]
        misfit = (weight * (mean - centres[place]) ** 2).sum()
        log_density[place] = 0.5 * (np.log(weight).sum() - np.log(precisions[place]) - misfit)
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    picked = source.choice(GRID, draws, p=density)
    drawn_centre = centres[picked] + source.standard_normal(draws) / np.sqrt(precisions[picked])
    return Population(grid[picked], drawn_centre, (float(density @ centres), float(density @ grid**2)))


def _choose(nodes: Floats, weight: Floats, uniform: Floats) -> Floats:
    """One node of each row (C', G) for each uniform number (D, C'), with chances proportional to the weights."""
    edges = np.cumsum(weight, axis=1)
    edges /= edges[:, -1:]
    place = np.zeros(uniform.shape, np.int8)
    for edge in edges.T[:-1]:
        place += uniform > edge
    return np.take_along_axis(nodes.T, place.astype(np.intp), axis=0)


def chances(draws: Floats, rows: NDArray[np.intp], count: int, size: int) -> Chances:
    """Chances of ranks from draws (D, C') of one figure for the configurations at `rows` among `count`."""
    best, top, expected, low, high = (np.full(count, np.nan) for _ in range(5))
    inside = np.zeros(count, bool)
    size = min(size, len(rows))
    if len(rows):
        ranks = _ranks(draws)
        best[rows], top[rows], expected[rows] = (ranks == 1).mean(0), (ranks <= size).mean(0), ranks.mean(0)
        low[rows], high[rows] = np.quantile(ranks, [0.05, 0.95], axis=0, method="nearest")
        order = rows[np.argsort(-best[rows], kind="stable")]
        needed = int(np.searchsorted(np.cumsum(best[order]), TOGETHER - 1e-9)) + 1
        inside[order[:needed]] = True
    return Chances(best, top, expected, low, high, inside, size)


def _ranks(draws: Floats) -> NDArray[np.int32]:
    """Rank of each column within each draw, 1 the highest."""
    ranks = np.empty(draws.shape, np.int32)
    np.put_along_axis(ranks, np.argsort(-draws, axis=1), np.arange(1, draws.shape[1] + 1, dtype=np.int32)[None], axis=1)
    return ranks


def _definite(correlation: Floats) -> Floats:
    """The correlation pulled to the identity just enough to be positive definite."""
    return 0.999 * correlation + 0.001 * np.eye(len(correlation))
