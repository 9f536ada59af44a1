"""Corruptions against pictures worked out by hand."""

import numpy as np
import pytest

from trainables.data import corruptions
from trainables.draws import stream

PICTURES = stream(0, "pictures").uniform(size=(3, 2, 8, 8))
NOISE = stream(1, "noise").normal(size=PICTURES.shape)


def test_noise_is_added_times_its_level():
    assert np.array_equal(corruptions.changed("gaussian_noise", PICTURES, NOISE, 4), PICTURES + 0.09 * NOISE)


def test_contrast_draws_each_channel_towards_its_mean():
    changed = corruptions.contrast(PICTURES, 0.4)
    mean = PICTURES.mean((2, 3), keepdims=True)
    assert np.allclose(changed, 0.4 * PICTURES + 0.6 * mean, rtol=1e-12)


def test_blur_spreads_a_point_as_a_gaussian():
    point = np.zeros((1, 1, 32, 32))
    point[0, 0, 16, 16] = 1
    blurred = corruptions.blur(point, 1.0)[0, 0]
    ratio = np.exp(-0.5)
    assert blurred[16, 17] / blurred[16, 16] == pytest.approx(ratio, rel=1e-12)
    assert blurred[17, 17] / blurred[16, 16] == pytest.approx(ratio**2, rel=1e-12)
    assert blurred.sum() == pytest.approx(1, rel=1e-12)


def test_blur_repeats_the_border_and_keeps_an_even_picture():
    assert np.allclose(corruptions.blur(np.full((1, 1, 8, 8), 0.3), 1.0), 0.3, rtol=1e-12)


def test_blur_is_wider_in_pixels_on_larger_pictures():
    point = np.zeros((1, 1, 64, 64))
    point[0, 0, 32, 32] = 1
    blurred = corruptions.blur(point, 1.0)[0, 0]
    assert blurred[32, 34] / blurred[32, 32] == pytest.approx(np.exp(-0.5), rel=1e-12)  # one deviation is two pixels


def test_pixelate_shows_the_means_of_boxes():
    picture = np.arange(16.0).reshape(1, 1, 4, 4)
    boxes = np.array([[2.5, 2.5, 4.5, 4.5]] * 2 + [[10.5, 10.5, 12.5, 12.5]] * 2)
    assert np.allclose(corruptions.pixelate(picture, 0.5)[0, 0], boxes, rtol=1e-12)


def test_pixelate_weighs_cut_pixels_by_what_lies_in_the_box():
    picture = np.tile(np.array([0.0, 1.0, 2.0]), (1, 1, 3, 1))
    # two boxes of 1.5 pixels: (0 + 0.5 * 1) / 1.5 and (0.5 * 1 + 2) / 1.5; pixel centres 0.5, 1.5, 2.5 fall into boxes 0, 1, 1
    assert np.allclose(corruptions.pixelate(picture, 0.67)[0, 0, 0], [1 / 3, 5 / 3, 5 / 3], rtol=1e-12)


def test_jpeg_comes_near_at_high_quality_and_less_so_at_low():
    smooth = np.add.outer(np.linspace(0, 0.5, 32), np.linspace(0, 0.5, 32))[None, None].repeat(3, axis=1)
    error = [np.abs(corruptions.jpeg(smooth, quality) - smooth).mean() for quality in (95, 10)]
    assert error[0] < 0.005 < error[1]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", corruptions.LEVELS)
def test_every_corruption_keeps_the_shape_and_grows_with_its_severity(name, channels):
    pictures = stream(2, "textured").uniform(size=(4, channels, 32, 32))
    noise = stream(3, "noise").normal(size=pictures.shape)
    distances = [np.abs(corruptions.changed(name, pictures, noise, severity) - pictures).mean() for severity in range(1, 6)]
    assert corruptions.changed(name, pictures, noise, 1).shape == pictures.shape
    assert distances[0] > 0
    assert sorted(distances) == distances
    assert distances[4] > distances[0]
