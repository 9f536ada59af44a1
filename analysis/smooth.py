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
from scipy.linalg import cho_solve

Floats = NDArray[np.floating]

PIECES = 6
"""Pieces of each knob's spline."""

SMOOTHNESS = np.logspace(-2, 5, 15)
"""Penalties tried."""

SCATTER = (0.02, 0.1, 0.3, 1.0)
"""Scatter of configurations about the curve that seeds do not explain, tried as shares of the figure's variance."""


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
    design, penalty = _design(x, pairs), _penalty(x.shape[1], pairs)
    total = float(y.var()) + 1e-12
    centre = float(np.average(y, weights=1 / (variance + total)))
    priors = [(smoothness * penalty + 1e-3 * np.eye(len(penalty))) / total for smoothness in SMOOTHNESS]
    sizes = [float(np.linalg.slogdet(prior)[1]) for prior in priors]
    found: list[tuple[float, Floats, Floats]] = []
    for scatter in SCATTER:
        weight = 1 / (variance + scatter * total)
        gram, moment = design.T @ (design * weight[:, None]), design.T @ (weight * (y - centre))
        fixed = np.log(weight).sum() - weight @ (y - centre) ** 2
        for prior, size in zip(priors, sizes, strict=True):
            root = np.linalg.cholesky(gram + prior)
            mean = cho_solve((root, True), moment)
            evidence = 0.5 * (fixed + size + moment @ mean) - np.log(np.diag(root)).sum()
            found.append((float(evidence), mean, root))
    _, coefficients, root = max(found, key=lambda one: one[0])
    coefficients[0] += centre
    return Smooth(coefficients, cho_solve((root, True), np.eye(len(root))), x.shape[1], pairs)


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
    return rows @ smooth.coefficients, 1.96 * np.sqrt(np.maximum(((rows @ smooth.covariance) * rows).sum(1), 0))


def _design(x: Floats, pairs: bool) -> Floats:
    ones = np.ones((len(x), 1))
    bases = [_splines(column) for column in x.T]
    if pairs:
        return np.hstack([ones, (bases[0][:, :, None] * bases[1][:, None, :]).reshape(len(x), -1)])
    return np.hstack([ones, *bases])


def _splines(x: Floats) -> Floats:
    """Cubic B-splines on [0, 1], (A, PIECES + 3)."""
    knots = np.arange(-3, PIECES + 4) / PIECES
    return BSpline.design_matrix(np.clip(x, 0, 1 - 1e-9), knots, 3).toarray()


def _penalty(knobs: int, pairs: bool) -> Floats:
    """Squared second differences of neighbouring coefficients; nothing on the constant."""
    size = PIECES + 3
    second = np.diff(np.eye(size), 2, axis=0)
    one = second.T @ second
    blocks = [np.kron(one, np.eye(size)) + np.kron(np.eye(size), one)] if pairs else [one] * knobs
    total = 1 + sum(len(block) for block in blocks)
    penalty = np.zeros((total, total))
    start = 1
    for block in blocks:
        penalty[start : start + len(block), start : start + len(block)] = block
        start += len(block)
    return penalty
