"""Which knob mattered: found where the truth is known."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from analysis import importance, smooth
from analysis.ranking import rank
from tests.analysis.tables import simulated
from trainables.draws import stream


@pytest.fixture(scope="module")
def turned() -> tuple[pd.DataFrame, pd.DataFrame]:
    """120 configurations: accuracy peaks at alpha .3 on a log scale, rho does nothing."""
    source = stream(1, "knobs")
    alpha, rho = np.exp(np.log(0.03) + source.random(120) * np.log(100)), source.random(120)
    truth = 0.9 - 0.01 * np.log(alpha / 0.3) ** 2
    knobs = pd.DataFrame({"alpha": alpha, "rho": rho})
    scores = truth[:, None] + 0.004 * source.standard_normal((120, 3))
    stability = scores - 0.05
    return rank(simulated(scores, stability=stability, knobs=knobs)), knobs


def test_the_knob_that_matters_has_the_importance(turned: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    found = importance.importance(*turned)
    by_knob = found[found["figure"] == "accuracy"].set_index("knob")["share"]
    assert by_knob["alpha"] > 0.8
    assert_allclose(found.groupby("figure")["share"].sum(), 1)


def test_too_few_configurations_have_no_importance(turned: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    frame, knobs = turned
    assert importance.importance(frame.sort_index().head(importance.FEWEST - 1), knobs).empty


def test_partial_dependence_finds_the_curve_and_holds_it_in_its_band(turned: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    frame, knobs = turned
    found = importance.dependences(frame, knobs.loc[frame.index])
    alpha = found["alpha", "accuracy"]
    truth = 0.9 - 0.01 * np.log(alpha.along / 0.3) ** 2
    assert np.mean(np.abs(alpha.mean - truth) <= alpha.half) > 0.9
    assert 0.2 < alpha.along[alpha.mean.argmax()] < 0.45
    flat = found["rho", "accuracy"]
    assert np.ptp(flat.mean) < 0.1 * np.ptp(alpha.mean)


def test_bands_cover_smooth_truths() -> None:
    inside = []
    for repeat in range(40):
        source = stream(2, "bands", repeat)
        x, phase = source.random((60, 2)), source.random()

        def first(at: np.ndarray, phase: float = phase) -> np.ndarray:
            return np.sin(2.5 * at + 3 * phase)

        y = first(x[:, 0]) + 0.5 * x[:, 1] + 0.3 * source.standard_normal(60)
        fitted = smooth.fit(x, y, np.full(60, 0.05))
        at = np.linspace(0.02, 0.98, 25)
        mean, half = smooth.curve(fitted, 0, at, x)
        truth = first(at) + 0.5 * x[:, 1].mean()
        inside.append(np.abs(mean - truth) <= half)
    assert 0.88 < np.mean(inside) < 0.995


def test_a_surface_finds_its_top() -> None:
    source = stream(3, "surface")
    x = source.random((150, 2))
    y = -((x[:, 0] - 0.3) ** 2) - (x[:, 1] - 0.7) ** 2 - x[:, 0] * x[:, 1] * 0.2 + 0.02 * source.standard_normal(150)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 41)] * 2), axis=-1).reshape(-1, 2)
    mean, _ = smooth.surface(smooth.fit(x, y, np.full(150, 1e-4), pairs=True), grid)
    assert np.abs(grid[mean.argmax()] - [0.235, 0.677]).max() < 0.08


def test_scaling_goes_there_and_back() -> None:
    for values in (np.array([0.01, 0.5, 3.0]), np.array([0.2, 0.5, 0.9])):
        assert_allclose(importance.unscaled(importance.scaled(values), values), values)
    assert importance.is_log(np.array([0.01, 1.0]))
    assert not importance.is_log(np.array([0.0, 1.0]))


@pytest.fixture(scope="module")
def crossed() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accuracy follows alpha, the tail rho; one configuration failed, far from its neighbours."""
    source = stream(4, "crossed")
    alpha, rho = source.random(60), source.random(60)
    noise = 0.002 * source.standard_normal((2, 60, 3))
    accuracy, tail = 0.8 + 0.05 * alpha[:, None] + noise[0], 0.7 + 0.05 * rho[:, None] + noise[1]
    accuracy[7, 0], tail[7, 0] = 0.1, 0.1
    diverged = np.zeros((60, 3), bool)
    diverged[7, 0] = True
    knobs = pd.DataFrame({"alpha": alpha, "rho": rho})
    return rank(simulated(accuracy, tail, accuracy, knobs=knobs, diverged=diverged)), knobs


def test_each_figure_has_its_own_knob(crossed: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    frame, knobs = crossed
    shares = importance.importance(frame, knobs).set_index(["figure", "knob"])["share"]
    assert shares["accuracy", "alpha"] > 0.7
    assert shares["tail", "rho"] > 0.7
    found = importance.dependences(frame, knobs.loc[frame.index])
    spans = {key: np.ptp(curve.mean) for key, curve in found.items()}
    assert spans["alpha", "accuracy"] > 5 * spans["rho", "accuracy"]
    assert spans["rho", "tail"] > 5 * spans["alpha", "tail"]


def test_a_curve_is_fitted_to_sound_configurations_by_how_well_each_is_known(crossed: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    frame, knobs = crossed
    found = importance.dependences(frame, knobs.loc[frame.index])["alpha", "accuracy"]
    sound = frame[frame["failures"] == 0].sort_index()
    x = np.stack([importance.scaled(column) for column in knobs.loc[sound.index].to_numpy().T], axis=1)
    fitted = smooth.fit(x, sound["accuracy"].to_numpy(), sound["accuracy_sd"].to_numpy() ** 2 / 3)
    mean, half = smooth.curve(fitted, 0, np.linspace(0, 1, 41), x)
    assert_allclose(found.mean, mean)
    assert_allclose(found.half, half)


def test_what_is_hardly_known_hardly_moves_a_curve() -> None:
    source = stream(5, "unsure")
    x = source.random((40, 1))
    y = x[:, 0] + 0.02 * source.standard_normal(40)
    variance = np.full(40, 0.02**2)
    y[0], variance[0] = 9.0, 100.0
    mean, _ = smooth.curve(smooth.fit(x, y, variance), 0, np.array([x[0, 0]]), x)
    assert abs(mean[0] - x[0, 0]) < 0.1
