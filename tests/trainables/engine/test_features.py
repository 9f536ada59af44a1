import numpy as np
import pytest
import torch

from tests.contract.small import data, net, preset, rows, setting, trained
from trainables import tree
from trainables.draws import stream
from trainables.engine.features import features, geometry


def test_geometry_worked_by_hand():
    vectors = np.array([[2.0, 0.0], [0.0, 3.0], [-5.0, -5.0], [-0.1, -0.1]])
    found = geometry(vectors, np.array([0, 0, 1, 1]))
    assert found.cohesion == pytest.approx((np.sqrt(0.5) + 1) / 2)
    assert found.separability == pytest.approx(2)


def test_separability_is_the_mean_over_pairs_of_classes():
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    assert geometry(vectors, np.array([3, 5, 9])).separability == pytest.approx(1 - (0 + 2 * np.sqrt(0.5)) / 3)


def test_every_class_counts_once_whatever_its_size():
    spread, tight = [[1.0, 0.0], [0.0, 1.0]], [[-1.0, -1.0]]
    small, large = (geometry(np.array(spread + tight * count), np.array([0, 0] + [1] * count)) for count in (1, 9))
    assert small == pytest.approx(large)


def test_lengths_of_the_vectors_do_not_matter():
    drawn = stream(0, "features")
    vectors, y = drawn.normal(size=(12, 4)), np.arange(12) % 3
    scaled = geometry(vectors * drawn.uniform(0.1, 9, (12, 1)), y)
    assert scaled == pytest.approx(geometry(vectors, y))


def test_vectors_of_zeros_are_no_fault():
    found = geometry(np.zeros((4, 3)), np.array([0, 0, 1, 1]))
    assert found == (0.0, 1.0)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="two classes or more, got 1"):
        geometry(np.ones((3, 2)), np.zeros(3, int))


def test_features_are_those_of_the_deployed_model_row_by_row():
    method = preset("samix")
    run = trained(setting(method), rows(method, configurations=2, seeds=1), epochs=1)
    x = data().selection.x.double()
    found = features(method, net(), run.group, x)
    assert found.shape == (2, 25, net().width)
    for row in range(2):
        encoder = tree.take(run.group.states.mixing, row)["encoder"]
        np.testing.assert_allclose(found[row], net().features(encoder, x).numpy(), rtol=1e-9, atol=1e-12)
    assert not torch.is_grad_enabled() or found.dtype == np.float64
