import numpy as np
import pytest
import torch

from tests.trainables.perturbation.problems import first_state, flat, gradient, linear_net, numbers, objective, real, step
from trainables.perturbation.named import sam
from trainables.perturbation.sharpdro import raised, sharpdro

EXACT = {"rel": 1e-10, "abs": 1e-13}
HYPER = numbers(rho=0.2, group_step=0.01, lr=0.1)
CURVATURE = np.array([1.0, 2.0, 3.0, 4.0])
CENTRE = np.array([0.5, -1.0, 2.0, 0.0])
GROUP = [0, 2, 2, 0]
WEIGHTS = {"a.weight": [1.0], "b.bias": [-2.0]}


def values(weights):
    """Four losses: curvature / 2 ((a - centre)^2 + (a b)^2 centre^2)."""
    a, b = weights
    return CURVATURE / 2 * ((a - CENTRE) ** 2 + (a * b) ** 2 * CENTRE**2)


def slopes(weights):
    """Their gradients (4, 2)."""
    a, b = weights
    return np.stack([CURVATURE * (a - CENTRE + a * b**2 * CENTRE**2), CURVATURE * a**2 * b * CENTRE**2], 1)


def problem(group=GROUP):
    def losses(params):
        a, b = params.values()
        return real(CURVATURE) / 2 * ((a - real(CENTRE)) ** 2 + (a * b) ** 2 * real(CENTRE) ** 2)

    return objective(losses, group=torch.tensor(group))


def params():
    return {name: real(value) for name, value in WEIGHTS.items()}


def net(groups):
    return linear_net()._replace(groups=groups)


def state(*weights):
    return {"log_weights": real(weights).log()}


def test_the_gradient_is_the_means_and_the_weighted_groups_at_the_perturbed_weights():
    start = np.array([1.0, -2.0])
    mean = slopes(start).mean(0)
    there = start + 0.2 * mean / np.linalg.norm(mean)
    loss = np.array([values(start)[[0, 3]].mean(), 0, values(start)[[1, 2]].mean()])
    grown = np.array([0.2, 0.5, 0.3]) * np.exp(0.01 * loss)
    weights = np.array([grown[0] * 0.5 / (grown[0] + grown[2]), 0.5, grown[2] * 0.5 / (grown[0] + grown[2])])
    want = mean + weights[0] * slopes(there)[[0, 3]].mean(0) + weights[2] * slopes(there)[[1, 2]].mean(0)
    found = gradient(sharpdro(), HYPER, problem(), params(), state=state(0.2, 0.5, 0.3))
    assert flat(found.value) == pytest.approx(want.tolist(), **EXACT)
    assert found.trace["log_weights"].exp().tolist() == pytest.approx(weights.tolist(), **EXACT)


def test_with_all_groups_present_the_weights_are_the_normalised_exponential():
    found = gradient(sharpdro(), HYPER, problem([0, 1, 1, 0]), params(), state=state(0.25, 0.75))
    loss = values(np.array([1.0, -2.0]))
    grown = np.array([0.25 * np.exp(0.01 * loss[[0, 3]].mean()), 0.75 * np.exp(0.01 * loss[[1, 2]].mean())])
    assert found.trace["log_weights"].exp().tolist() == pytest.approx((grown / grown.sum()).tolist(), **EXACT)


def test_a_group_absent_from_the_batch_keeps_its_weight_whatever_its_place():
    found = raised(real([0.2, 0.5, 0.3]).log(), real([1.0, 7.0, -2.0]), torch.tensor([True, False, True])).exp()
    assert found[1].item() == pytest.approx(0.5, **EXACT)
    assert found.sum().item() == pytest.approx(1, **EXACT)
    assert (found[0] / found[2]).item() == pytest.approx(0.2 / 0.3 * np.exp(3), **EXACT)


def test_with_one_group_it_is_the_own_and_sams_gradient_together():
    found = gradient(sharpdro(), HYPER, problem([0, 0, 0, 0]), params(), net=net(1))
    own = slopes(np.array([1.0, -2.0])).mean(0)
    steep = np.array(flat(gradient(sam(), HYPER, problem(), params()).value))
    assert flat(found.value) == pytest.approx((own + steep).tolist(), **EXACT)


def test_with_step_zero_the_weights_stay_equal():
    _, after, _ = step(
        sharpdro(), HYPER | numbers(group_step=0.0), problem(), params(), state=first_state(sharpdro(), HYPER, params(), net(3))
    )
    assert after["log_weights"].exp().tolist() == pytest.approx([1 / 3] * 3, **EXACT)


def test_each_member_begins_with_equal_weights_for_the_datas_groups():
    assert first_state(sharpdro(), HYPER, params(), net(4))["log_weights"].exp().tolist() == pytest.approx([0.25] * 4, **EXACT)


def test_weights_survive_a_hundred_thousand_steps_against_one_group():
    weights = torch.tensor([0.5, 0.5]).log()
    for _ in range(20):
        weights = raised(weights, torch.tensor([0.0, 200.0]), torch.tensor([True, True]))
    assert weights.isfinite().all()
    alone = raised(weights, torch.tensor([3.0, 0.0]), torch.tensor([True, False]))
    assert alone.isfinite().all()


def test_it_logs_sharpness_and_every_groups_weight():
    perturbation = sharpdro()
    _, after, transition = step(perturbation, HYPER, problem(), params(), state=state(0.2, 0.5, 0.3))
    logged = perturbation.watch(after, HYPER, transition)
    start = np.array([1.0, -2.0])
    mean = slopes(start).mean(0)
    rise = values(start + 0.2 * mean / np.linalg.norm(mean)).mean() - values(start).mean()
    assert set(logged) == {"sharpness", "group_weight_0", "group_weight_1", "group_weight_2"}
    assert logged["sharpness"].item() == pytest.approx(rise, **EXACT)
    assert logged["group_weight_1"].item() == pytest.approx(0.5, **EXACT)
    assert sum(logged[f"group_weight_{group}"].item() for group in range(3)) == pytest.approx(1, **EXACT)
