"""InfoNCE against numbers worked by hand, and its gradients."""

import numpy as np
import pytest
import torch
from torch.func import grad

from trainables.contrastive.infonce import excluded, info_nce, local_info_nce, mixed_info_nce
from trainables.draws import stream


def row(*values):
    return torch.tensor([values], dtype=torch.float64)


FIRST, SECOND, OTHERS, RATIO = row(0.6)[0], row(0.3)[0], row(0.1, -0.2, 0.05), torch.tensor(0.7, dtype=torch.float64)


def test_info_nce_is_what_was_worked_by_hand():
    assert info_nce(FIRST, OTHERS, 0.2).item() == pytest.approx(0.1521445249, abs=1e-10)
    assert info_nce(SECOND, OTHERS, 0.2).item() == pytest.approx(0.5518538773, abs=1e-10)


def test_the_mixed_loss_leaves_the_other_source_out_of_the_denominator():
    assert mixed_info_nce(FIRST, SECOND, OTHERS, RATIO, 0.2).item() == pytest.approx(0.2720573306, abs=1e-10)


def test_the_local_term_tells_the_two_sources_apart_alone():
    assert local_info_nce(FIRST, SECOND, RATIO, 0.2).item() == pytest.approx(0.6514132780, abs=1e-10)


def test_info_nce_and_its_gradient_equal_cross_entropy_over_all_keys():
    drawn = stream(0, "scores").normal(size=(4, 6))
    scores = torch.from_numpy(drawn)
    with_own = np.exp(drawn / 0.5)
    expected = -np.log(with_own[:, 0] / with_own.sum(1))
    np.testing.assert_allclose(info_nce(scores[:, 0], scores[:, 1:], 0.5), expected, rtol=1e-8)
    found = grad(lambda given: info_nce(given[:, 0], given[:, 1:], 0.5).sum())(scores)
    share = with_own / with_own.sum(1, keepdims=True)
    share[:, 0] -= 1
    np.testing.assert_allclose(found, share / 0.5, rtol=1e-7)


def test_excluded_scores_count_for_nothing_and_an_anchor_without_negatives_has_neither_loss_nor_gradient():
    out = torch.tensor([[False, True, False]])
    assert info_nce(FIRST, excluded(OTHERS, out), 0.2).item() == pytest.approx(info_nce(FIRST, OTHERS[:, [0, 2]], 0.2).item())
    for dtype in (torch.float32, torch.float64):
        lone = OTHERS.to(dtype)
        slope = grad(lambda given: info_nce(FIRST.to(given.dtype), excluded(given, torch.ones_like(out)), 0.001).sum())(lone)
        assert info_nce(FIRST.to(dtype), excluded(lone, torch.ones_like(out)), 0.001).item() == 0
        assert torch.equal(slope, torch.zeros_like(lone))


def test_a_ratio_of_one_is_the_first_source_s_loss():
    one = torch.tensor(1.0, dtype=torch.float64)
    assert mixed_info_nce(FIRST, SECOND, OTHERS, one, 0.2).item() == pytest.approx(info_nce(FIRST, OTHERS, 0.2).item(), rel=1e-14)
