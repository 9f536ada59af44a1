"""Optimisers against torch's own and against numpy; schedules at the points that define them."""

import numpy as np
import pytest
import torch

from trainables.optimizer import adamw, constant, cosine, sgd, stepwise, with_warmup

LR, DECAY = 0.1, 0.01


def walk(optimizer, steps=4):
    """Parameters after some steps down f = sum(w^2 / 2) + sum(3 v^2 / 2), with two tensors."""
    params = {"w": torch.tensor([1.0, -2.0], dtype=torch.float64), "v": torch.tensor([[0.5]], dtype=torch.float64)}
    state = optimizer.init(params)
    lr, decay = torch.tensor(LR, dtype=torch.float64), torch.tensor(DECAY, dtype=torch.float64)
    for _ in range(steps):
        gradient = {"w": params["w"], "v": 3 * params["v"]}
        params, state = optimizer.update(gradient, state, params, lr, decay)
    return params


def test_sgd_with_momentum_follows_its_two_lines_of_numpy():
    w, velocity = np.array([1.0, -2.0]), np.zeros(2)
    for _ in range(4):
        velocity = 0.9 * velocity + w
        w = (1 - LR * DECAY) * w - LR * velocity
    np.testing.assert_allclose(walk(sgd(0.9))["w"], w, rtol=1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_without_decay_equals_torchs(nesterov):
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    theirs = torch.optim.SGD([weight], lr=LR, momentum=0.9, nesterov=nesterov)
    ours, params = sgd(0.9, nesterov), {"w": weight.detach().clone()}
    state = ours.init(params)
    for _ in range(5):
        theirs.zero_grad()
        (weight**4).sum().div(40).backward()
        gradient = {"w": params["w"] ** 3 / 10}
        theirs.step()
        params, state = ours.update(gradient, state, params, *torch.tensor([LR, 0.0], dtype=torch.float64))
    torch.testing.assert_close(params["w"], weight.detach(), rtol=1e-12, atol=0)


def test_adamw_equals_torchs():
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    other = torch.nn.Parameter(torch.tensor([[0.5]], dtype=torch.float64))
    theirs = torch.optim.AdamW([weight, other], lr=LR, weight_decay=DECAY)
    for _ in range(4):
        theirs.zero_grad()
        ((weight**2).sum() / 2 + 3 * (other**2).sum() / 2).backward()
        theirs.step()
    ours = walk(adamw())
    torch.testing.assert_close(ours["w"], weight.detach(), rtol=1e-12, atol=0)
    torch.testing.assert_close(ours["v"], other.detach(), rtol=1e-12, atol=0)


def test_schedules_take_their_known_values():
    assert constant(7, 10) == 1
    assert cosine(0, 10) == 1
    assert cosine(5, 10) == pytest.approx(0.5)
    assert cosine(10, 10) == pytest.approx(0)
    assert [stepwise(step, 100) for step in (49, 50, 75)] == pytest.approx([1, 0.1, 0.01])


def test_warm_up_rises_linearly_and_hands_over_at_the_full_rate():
    schedule = with_warmup(cosine, 0.2)
    factors = [schedule(step, 20) for step in range(20)]
    assert factors[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert factors[4:] == [cosine(step, 16) for step in range(16)]
