import numpy as np
import pytest
import torch

from tests.trainables.mixing.small import number, table
from trainables.mixing.teacher import averaged, momentum


@pytest.mark.parametrize(("progress", "expected"), [(0.0, 0.999), (0.5, 0.9994995), (1.0, 0.999999), (1 / 3, 0.999999 - 0.000999 * 0.75)])
def test_momentum_follows_half_a_cosine_from_first_to_last(progress, expected):
    assert momentum(number(progress), number(0), warmed=False).item() == pytest.approx(expected, abs=1e-12)


def test_momentum_rises():
    found = momentum(torch.linspace(0, 1, 50, dtype=torch.float64), number(0), warmed=False)
    assert (found.diff() > 0).all()


@pytest.mark.parametrize(("count", "expected"), [(0, 0.1), (1, 2 / 11), (90, 0.91), (10**6, 0.999)])
def test_warmed_momentum_is_small_at_first_and_the_schedule_s_later(count, expected):
    assert momentum(number(0), number(count), warmed=True).item() == pytest.approx(expected, rel=1e-9)


def test_the_average_keeps_its_share():
    found = averaged({"a": table([1.0, 2.0]), "b": table([0.0])}, {"a": table([3.0, -2.0]), "b": table([4.0])}, number(0.75))
    np.testing.assert_allclose(found["a"].numpy(), [1.5, 1.0])
    np.testing.assert_allclose(found["b"].numpy(), [1.0])
