import numpy as np
import pytest

from trainables.data.load import load
from trainables.data.synthetic import gaussians, sinusoid, spiral


def test_two_gaussians_are_classified_by_the_best_rule_as_often_as_theory_says():
    raw = gaussians(test=40_000, distance=3.0)
    projected = raw.test.x.sum(1) / np.sqrt(10)
    right = ((projected > 0) == (raw.test.y == 1)).mean()
    assert right == pytest.approx(0.93319, abs=4 * 0.00125)  # Phi(1.5), four standard errors
    assert raw.test.x[raw.test.y == 1].mean(0) == pytest.approx(np.full(10, 1.5 / np.sqrt(10)), abs=0.04)


def test_the_sinusoid_separates_its_classes():
    raw = sinusoid(frequency=2.0)
    above = raw.x[:, 1] > 0.5 * np.sin(4 * np.pi * raw.x[:, 0])
    assert (above == (raw.y == 1)).mean() > 0.999  # float32 of the points
    assert np.abs(raw.x).max() <= 1


def test_a_spiral_without_noise_lies_on_its_arm():
    raw = spiral(noise=0.0, turns=1.0)
    radius, angle = np.hypot(*raw.x.T), np.arctan2(raw.x[:, 1], raw.x[:, 0])
    difference = (angle - (2 * np.pi * radius + np.pi * raw.y)) / (2 * np.pi)
    assert np.abs(difference - np.round(difference)).max() < 1e-5


@pytest.mark.parametrize("name", ["gaussians", "sinusoid", "spiral"])
def test_parts_are_their_own_and_the_same_at_every_call(name):
    data, again, other = load(name, train=40, selection=20, test=60), load(name, train=40, selection=20, test=60), load(name, seed=1)
    assert (len(data.train), len(data.selection), len(data.test)) == (40, 20, 60)
    assert data.train.x.equal(again.train.x)
    assert not data.train.x[:5].equal(other.train.x[:5])
    assert not data.train.x[:20].equal(data.selection.x)
    assert data.classes == ("negative", "positive")


def test_label_noise_reaches_the_training_labels_of_synthetic_data_alone():
    clean, noisy = load("spiral"), load("spiral", label_noise=0.1)
    assert int((clean.train.y != noisy.train.y).sum()) == 50
    assert clean.test.y.equal(noisy.test.y)
