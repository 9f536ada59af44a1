import numpy as np
import torch

from tests.trainables.data import files
from trainables.data.examples import Examples
from trainables.data.pictures import pictures


def examples(x):
    zeros = torch.zeros(len(x), dtype=torch.int64)
    return Examples(torch.from_numpy(x), zeros, zeros)


def test_byte_pictures_are_shown_as_they_are_with_channels_last():
    grey, colour = files.pictures(5, 1, 6), files.pictures(5, 3, 6)
    assert np.array_equal(pictures(examples(grey)), grey[:, 0])
    assert np.array_equal(pictures(examples(colour)), colour.transpose(0, 2, 3, 1))


def test_float_pictures_are_stretched_to_their_own_range():
    x = np.array([[[[0.0, 1.0], [2.0, 4.0]]], [[[-1.0, -1.0], [-1.0, 1.0]]]], np.float32)
    assert pictures(examples(x)).tolist() == [[[0, 64], [128, 255]], [[0, 0], [0, 255]]]


def test_what_is_no_picture_has_nothing_to_show():
    assert pictures(examples(np.zeros((4, 7), np.float32))).shape == (4, 0)
    assert pictures(examples(np.zeros((4, 2, 3, 3), np.float32))).shape == (4, 0)


def test_pictures_that_take_too_much_room_are_shrunk_to_means_over_squares():
    x = files.pictures(10, 3, 9)
    shown = pictures(examples(x), room=10 * 3 * 16)
    assert shown.shape == (10, 4, 4, 3)
    assert shown[7, 1, 3, 2] == round(float(x[7, 2, 2:4, 6:8].mean()))


def test_however_little_room_there_is_a_pixel_is_left():
    assert pictures(examples(files.pictures(10, 1, 9)), room=1).shape == (10, 1, 1)
