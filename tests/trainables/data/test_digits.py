import importlib.util

import numpy as np
import pytest
from sklearn.datasets import load_digits

from trainables.data.digits import digits


def test_digits_are_1797_pictures_of_one_channel_between_0_and_1():
    raw = digits()
    assert raw.x.shape == (1797, 1, 8, 8)
    assert raw.x.dtype == np.float32
    assert (raw.x.min(), raw.x.max()) == (0.0, 1.0)


def test_digits_have_their_published_class_counts():
    raw = digits()
    assert np.bincount(raw.y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert raw.classes == tuple("0123456789")


def test_the_first_digit_is_the_zero_of_the_original_file():
    row = digits().x[0, 0, 2] * 16
    assert row.tolist() == [0, 3, 15, 2, 0, 11, 8, 0]


def test_they_are_those_of_scikit_learn():
    raw, bunch = digits(), load_digits()
    np.testing.assert_array_equal(raw.x[:, 0] * 16, bunch.images)
    np.testing.assert_array_equal(raw.y, bunch.target)


def test_without_scikit_learn_it_is_said_what_to_do(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install scikit-learn"):
        digits()
