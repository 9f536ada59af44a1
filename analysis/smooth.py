"""Smooth additive curves through noisy configurations: how a figure depends on each knob, the others averaged out.

A Bayesian P-spline: cubic B-splines whose coefficients walk smoothly, the smoothness chosen by marginal likelihood. A curve's band is its
95 % credible band, of the curve and not of single configurations.

References:
    Eilers and Marx 1996 (*read*); Wood 2017, section 5.8 on the Bayesian view (*read*).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

Floats = NDArray[np.floating]

PIECES = 6
"""Pieces of each knob's spline."""

SMOOTHNESS = np.logspace(-3, 5, 25)
"""Penalties tried."""


class Smooth(NamedTuple):
    """A fitted sum of smooth functions of knobs scaled to [0, 1].

    Attributes:
        coefficients: Posterior mean (P,). covariance: posterior covariance (P, P). knobs: how many.
        pairs: Whether pairs of knobs were fitted jointly.
    """

    coefficients: Floats
    covariance: Floats
    knobs: int
    pairs: bool


def fit(x: Floats, y: Floats, variance: Floats, *, pairs: bool = False) -> Smooth:
    """Fit y ~ sum_j f_j(x_j), or a joint surface of two knobs.

    Args:
        x: Knobs scaled to [0, 1], (C, K).
        y: Figure of each configuration, (C,).
        variance: Variance of each y from its seeds, (C,); scatter beyond it is estimated with the smoothness.
        pairs: Fit one surface of exactly two knobs instead.
    """
    design = _design(x, pairs)
    penalty = _penalty(x.shape[1], pairs)
    centre = float(np.average(y, weights=1 / (variance + y.var() + 1e-12)))
    scatter = np.array([0.02, 0.1, 0.3, 1.0]) * (y.var() + 1e-12)
    best: tuple[float, Floats, Floats] | None = None
    for extra in scatter:
        weight = 1 / (variance + extra)
        gram, moment = design.T @ (design * weight[:, None]), design.T @ (weight * (y - centre))
        level = (y.var() + 1e-12) ** -1
        for smoothness in SMOOTHNESS:
            precision = gram + level * (smoothness * penalty + 1e-3 * np.eye(len(penalty)))
            root = np.linalg.cholesky(precision)
            mean = np.linalg.solve(root.T, np.linalg.solve(root, moment))
            prior = np.linalg.slogdet(level * (smoothness * penalty + 1e-3 * np.eye(len(penalty))))[1]
            evidence = 0.5 * (np.log(weight).sum() + prior - weight @ (y - centre) ** 2 + moment @ mean) - np.log(np.diag(root)).sum()
            if best is None or evidence > best[0]:
                best = float(evidence), mean, precision
    assert_found = best if best is not None else (0.0, np.zeros(len(penalty)), np.eye(len(penalty)))
    coefficients = assert_found[1].copy()
    coefficients[0] += centre
    return Smooth(coefficients, np.linalg.inv(assert_found[2]), x.shape[1], pairs)


def curve(smooth: Smooth, knob: int, at: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Partial dependence on one knob at points in [0, 1], the others averaged over the configurations x: (mean, half of the 95 % band)."""
    rows = np.tile(_design(x, smooth.pairs).mean(0), (len(at), 1))
    size = PIECES + 3
    start = 1 + knob * size
    rows[:, start : start + size] = _splines(at)
    return _posterior(smooth, rows)


def surface(smooth: Smooth, at: Floats) -> tuple[Floats, Floats]:
    """A joint surface at points (A, 2) in [0, 1]^2: (mean, half of the 95 % band)."""
    return _posterior(smooth, _design(at, smooth.pairs))


def _posterior(smooth: Smooth, rows: Floats) -> tuple[Floats, Floats]:
    return rows @ smooth.coefficients, 1.96 * np.sqrt(np.maximum(np.einsum("ap,pq,aq->a", rows, smooth.covariance, rows), 0))


def _design(x: Floats, pairs: bool) -> Floats:  # noqa: FBT001
    ones = np.ones((len(x), 1))
    bases = [_splines(column) for column in x.T]
    if pairs:
        return np.hstack([ones, (bases[0][:, :, None] * bases[1][:, None, :]).reshape(len(x), -1)])
    return np.hstack([ones, *bases])


def _splines(x: Floats) -> Floats:
    """Cubic B-splines on [0, 1], (A, PIECES + 3)."""
    knots = np.arange(-3, PIECES + 4) / PIECES
    return BSpline.design_matrix(np.clip(x, 0, 1 - 1e-9), knots, 3).toarray()


def _penalty(knobs: int, pairs: bool) -> Floats:  # noqa: FBT001
    """Squared second differences of neighbouring coefficients; nothing on the constant."""
    size = PIECES + 3
    second = np.diff(np.eye(size), 2, axis=0)
    one = second.T @ second
    if pairs:
        blocks = [np.kron(one, np.eye(size)) + np.kron(np.eye(size), one)]
    else:
        blocks = [one] * knobs
    total = 1 + sum(len(block) for block in blocks)
    penalty = np.zeros((total, total))
    start = 1
    for block in blocks:
        penalty[start : start + len(block), start : start + len(block)] = block
        start += len(block)
    return penalty
