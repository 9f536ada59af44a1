"""Logistic regression against scikit-learn's, problem by problem."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from trainables.draws import stream
from trainables.readout.logistic import fitted, logits


def problem(seed=0, n=60, width=5, classes=3):
    """Features of very different scales around class means, and labels."""
    drawn = stream(seed, "problem")
    y = drawn.integers(0, classes, n)
    x = (drawn.normal(size=(classes, width))[y] + drawn.normal(size=(n, width))) * 2.0 ** np.arange(width) * 0.3 + 2
    return torch.from_numpy(x), torch.from_numpy(y)


def test_every_strength_s_minimum_is_scikit_learn_s():
    x, y = problem()
    strengths = (1e-3, 1e-1, 1.0)
    found = fitted(x[None], y[None], 3, strengths, tolerance=1e-9)
    for place, strength in enumerate(strengths):
        model = LogisticRegression(C=1 / (60 * strength), tol=1e-10, solver="newton-cg").fit(x.numpy(), y.numpy())
        np.testing.assert_allclose(found.weight[0, place], model.coef_, rtol=1e-4, atol=1e-6)
        probability = logits(found, x[None, None])[0, place].softmax(-1)
        np.testing.assert_allclose(probability, model.predict_proba(x.numpy()), atol=1e-6)


def test_a_problem_does_not_depend_on_those_beside_it_and_one_that_is_not_finite_has_no_solution():
    problems = [problem(seed) for seed in range(2)]
    x, y = (torch.stack(part) for part in zip(*problems, strict=True))
    broken = torch.full_like(x[:1], torch.nan)
    beside = fitted(torch.cat([x[:1], broken, 100 * x[1:]]), torch.cat([y[:1], y[:1], y[1:]]), 3, [0.01, 1.0])
    alone = fitted(x[:1], y[:1], 3, [0.01, 1.0])
    torch.testing.assert_close(beside.weight[:1], alone.weight, rtol=1e-6, atol=1e-8)
    assert beside.weight[1].isnan().all()
    assert beside.bias[1].isnan().all()
    assert beside.weight[2].isfinite().all()


def test_a_class_that_has_no_example_is_never_chosen():
    x, y = problem()
    found = fitted(x[None], y[None], 4, [0.1])
    assert (logits(found, x[None, None]).argmax(-1) != 3).all()


def test_the_gradient_vanishes_where_examples_can_be_told_apart_perfectly():
    x, y = torch.tensor([[-1.0, 0.0], [1.0, 0.0], [3.0, 1.0]], dtype=torch.float64), torch.tensor([0, 1, 1])
    found = fitted(x[None], y[None], 2, [0.01], tolerance=1e-8)
    weight = found.weight[0, 0].clone().requires_grad_()
    risk = torch.nn.functional.cross_entropy(x @ weight.T + found.bias[0, 0], y) + 0.005 * (weight**2).sum()
    (gradient,) = torch.autograd.grad(risk, weight)
    assert gradient.abs().max().item() == pytest.approx(0, abs=1e-7)
