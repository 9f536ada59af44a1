import numpy as np
import pytest
import torch

from tests.trainables.data.files import pictures, write_images
from trainables.data.load import load
from trainables.data.prepare import Normalisation, measured


def test_the_normalisation_is_the_mean_and_deviation_of_each_channel():
    x = pictures(50, 3, 8)
    found = measured([torch.from_numpy(x[:20]), torch.from_numpy(x[20:])])
    assert np.allclose(found.mean, x.mean((0, 2, 3)), rtol=1e-12)
    assert np.allclose(found.deviation, x.std((0, 2, 3)), rtol=1e-10)


def test_prepared_pictures_have_mean_0_and_deviation_1():
    x = torch.from_numpy(pictures(50, 3, 8))
    prepared = measured([x])(x, torch.float64)
    assert prepared.dtype == torch.float64
    assert torch.allclose(prepared.mean((0, 2, 3)), torch.zeros(3, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(prepared.var((0, 2, 3), correction=0), torch.ones(3, dtype=torch.float64), rtol=1e-10)


def test_a_constant_channel_stays_finite():
    x = torch.full((4, 1, 2, 2), 7, dtype=torch.uint8)
    assert measured([x])(x, torch.float32).abs().max() == 0


def test_leading_dimensions_do_not_matter():
    normalisation = Normalisation((100.0, 20.0), (50.0, 10.0))
    x = torch.from_numpy(pictures(6, 2, 4))
    assert normalisation(x.reshape(2, 3, 2, 4, 4), torch.float32).reshape(6, 2, 4, 4).equal(normalisation(x, torch.float32))
    assert normalisation(x, torch.float64)[0, 1, 0, 0].item() == pytest.approx((int(x[0, 1, 0, 0]) - 20) / 10)


def test_a_data_set_of_bytes_is_normalised_by_its_training_split_alone(tmp_path):
    write_images(tmp_path, 30)
    data = load("images", path=str(tmp_path))
    prepared = data.prepare(data.train.x, torch.float64)
    assert torch.allclose(prepared.mean((0, 2, 3)), torch.zeros(3, dtype=torch.float64), atol=1e-10)
    assert data.prepare(data.test.x, torch.float64).mean().abs() > 1e-6
