import numpy as np
import pytest
import torch
from torch.func import grad

from tests.trainables.mixing.small import number, table
from trainables.mixing.generation import balanced, local, mask_loss, mixed_cross_entropy

LOGITS, Y, OTHER, RATIO = table([[2.0, 1.0, 0.0, -1.0]]), torch.tensor([0]), torch.tensor([1]), number(0.7)
CHANCES = (np.exp([2.0, 1.0, 0.0, -1.0]) / np.exp([2.0, 1.0, 0.0, -1.0]).sum())[None]
SHARE = table([[[0.2, 0.4], [0.6, 0.8]]])


def test_losses_are_the_worked_numbers():
    assert mixed_cross_entropy(LOGITS, Y, OTHER, RATIO).item() == pytest.approx(0.7401896986, rel=1e-9)
    assert local(LOGITS, Y, OTHER, RATIO).item() == pytest.approx(0.6132616875, rel=1e-9)
    assert balanced(LOGITS, Y, OTHER, RATIO, number(0.5)).item() == pytest.approx(0.9833565368, rel=1e-9)


def test_the_gradient_of_mixed_cross_entropy_is_softmax_minus_the_mixed_label():
    gradient = grad(lambda logits: mixed_cross_entropy(logits, Y, OTHER, RATIO).sum())(LOGITS)
    np.testing.assert_allclose(gradient.numpy(), CHANCES - [[0.7, 0.3, 0, 0]], rtol=1e-10)


def test_the_local_gradient_moves_the_pair_alone():
    gradient = grad(lambda logits: local(logits, Y, OTHER, RATIO).sum())(LOGITS)
    of_pair = 1 / (1 + np.exp(-1.0))  # softmax over {2, 1}
    np.testing.assert_allclose(gradient.numpy(), [[of_pair - 0.7, 0.7 - of_pair, 0, 0]], atol=1e-12)


def test_the_balanced_gradient_is_the_sum_of_both():
    gradient = grad(lambda logits: balanced(logits, Y, OTHER, RATIO, number(0.5)).sum())(LOGITS)
    of_pair = 1 / (1 + np.exp(-1.0))
    expected = np.array([[of_pair - 0.7, 0.7 - of_pair, 0, 0]]) + 0.5 * (CHANCES - [[0.7, 0.3, 0, 0]])
    np.testing.assert_allclose(gradient.numpy(), expected, rtol=1e-10)


def test_a_pair_of_one_class_has_a_constant_local_loss():
    value = local(LOGITS, Y, Y, RATIO)
    assert value.item() == pytest.approx(np.log(2))
    assert (grad(lambda logits: local(logits, Y, Y, RATIO).sum())(LOGITS) == 0).all()


def test_losses_stay_finite_for_large_logits():
    extreme = 1e4 * LOGITS
    assert balanced(extreme, Y, OTHER, RATIO, number(1.0)).isfinite().all()
    assert grad(lambda logits: balanced(logits, Y, OTHER, RATIO, number(1.0)).sum())(extreme).isfinite().all()


@pytest.mark.parametrize(("ratio", "size", "with_variance"), [(0.3, 0.1, 0.0), (0.5, 0.0, -0.1), (0.9, 0.3, 0.2)])
def test_mask_losses_are_the_worked_numbers(ratio, size, with_variance):
    assert mask_loss(SHARE, number(ratio), decided=False).item() == pytest.approx(size, abs=1e-12)
    assert mask_loss(SHARE, number(ratio), decided=True).item() == pytest.approx(with_variance, abs=1e-12)


def test_the_mask_loss_pulls_the_mean_towards_the_ratio_and_pixels_apart():
    gradient = grad(lambda share: mask_loss(share, number(0.9), decided=True))(SHARE)  # the mean .5 is to fall towards .1
    np.testing.assert_allclose(gradient.numpy(), 1 / 4 - 2 * 2 * (SHARE.numpy() - 0.5) / 4, rtol=1e-10)


def test_mean_and_variance_are_taken_over_batch_and_pixels_together():
    both = torch.cat([torch.zeros(1, 2, 2), torch.ones(1, 2, 2)]).double()
    assert mask_loss(both, number(0.5), decided=True).item() == pytest.approx(-2 * 0.25)
