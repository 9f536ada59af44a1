"""Cross-entropy against soft targets."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import grad, vmap

from trainables.axes import Batch
from trainables.crossentropy import FEW, cross_entropy, evenly, full_precision, log_softmax, one_hot, targets
from trainables.nets.staged import Staged, functional

DOUBLE = torch.float64
NET = functional(lambda: Staged([nn.Identity()], nn.Identity(), nn.Linear(2, 4)), (2,))


def batch(y):
    labels = torch.tensor(y)
    x = torch.zeros(len(y), 2)
    return Batch(x, x, labels, torch.zeros_like(labels))


def smoothed(y, smoothing, dtype=DOUBLE):
    return targets(batch(y), NET, {"label_smoothing": torch.tensor(smoothing, dtype=dtype)}, dtype)


def test_two_labels_in_one_soft_target_give_the_worked_mixup_loss():
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]], dtype=DOUBLE)
    target = torch.tensor([[0.25, 0.75], [0.75, 0.25]], dtype=DOUBLE)
    assert cross_entropy(logits, target).mean().item() == pytest.approx(1.3450948492805979, rel=1e-12)


def test_each_loss_is_the_targets_sum_of_negative_log_softmax_and_its_slope_softmax_minus_target():
    logits = np.array([[0.3, -1.2, 2.0, 0.5], [1.0, 1.0, -3.0, 0.0]])
    target = np.array([[0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 1.0, 0.0]])
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    given, against = torch.from_numpy(logits), torch.from_numpy(target)
    assert cross_entropy(given, against).tolist() == pytest.approx((-(target * np.log(softmax)).sum(1)).tolist())
    slopes = grad(lambda logits: cross_entropy(logits, against).sum())(given)
    assert np.allclose(slopes.numpy(), softmax - target, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("classes", [1, 2, 10, FEW - 1, FEW, 40])
def test_log_softmax_is_torchs_own_with_its_slopes_and_theirs_however_few_the_classes(classes):
    logits = 5 * torch.linspace(-1, 1, 3 * classes, dtype=DOUBLE).sin().reshape(3, classes)
    weight = torch.linspace(0, 2, classes, dtype=DOUBLE).cos()

    def found(softmax):
        def value(given):
            return (weight * softmax(given) ** 2).sum()

        return softmax(logits), grad(value)(logits), grad(lambda given: (weight * grad(value)(given)).sum())(logits)

    for own, torchs in zip(found(log_softmax), found(lambda given: torch.log_softmax(given, -1)), strict=True):
        assert torch.allclose(own, torchs, rtol=1e-12, atol=1e-12)


def test_smoothing_leaves_the_label_its_share_and_spreads_the_rest_over_all_classes():
    assert np.allclose(smoothed([2, 0], 0.1), [[0.025, 0.025, 0.925, 0.025], [0.925, 0.025, 0.025, 0.025]])
    assert torch.equal(smoothed([2, 0], 0.0), one_hot(torch.tensor([2, 0]), 4, DOUBLE))


def test_labels_become_rows_under_vmap_of_grad():
    def loss(logits, y):
        return cross_entropy(logits, one_hot(y, 3, logits.dtype)).sum()

    logits = torch.zeros(2, 2, 3, dtype=DOUBLE)
    slopes = vmap(grad(loss))(logits, torch.tensor([[0, 1], [2, 2]]))
    third = torch.full((3,), 1 / 3, dtype=DOUBLE)
    assert torch.allclose(slopes[1], (third - torch.tensor([0.0, 0.0, 1.0], dtype=DOUBLE)).expand(2, 3))


def test_logits_far_apart_give_finite_losses_and_slopes():
    logits = torch.tensor([[1e4, -1e4, 0.0], [-1e30, 1e30, 0.0]])
    target = one_hot(torch.tensor([1, 1]), 3, torch.float32)
    assert cross_entropy(logits, target).tolist() == [2e4, 0]
    assert grad(lambda logits: cross_entropy(logits, target).sum())(logits).tolist() == [[1, -1, 0], [0, 0, 0]]


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_logits_and_labels_are_computed_in_float32(half):
    logits = torch.tensor([[2.0, 0.125, -0.5, 0.0]], dtype=half)
    target = smoothed([1], 0.125, half)
    loss = cross_entropy(logits, target)
    assert target.dtype == loss.dtype == torch.float32
    assert loss.item() == pytest.approx(cross_entropy(logits.double(), smoothed([1], 0.125)).item(), rel=1e-6)
    assert full_precision(torch.zeros(1, dtype=DOUBLE)).dtype == DOUBLE


def test_even_weights_sum_to_one():
    losses = evenly(torch.tensor([1.0, 2.0, 6.0], dtype=DOUBLE))
    assert losses.weight.tolist() == [1 / 3] * 3
    assert losses.mean().item() == pytest.approx(3)
