import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch.func import vmap

from tests.trainables.perturbation.problems import flat, gradient, linear, mixed_linear, numbers, objective, real, step
from trainables import tree
from trainables.axes import Losses
from trainables.perturbation.descent import most_sensitive, orthogonal, part_risk
from trainables.perturbation.named import bg_mix, dg_mix, esam, sam
from trainables.perturbation.unperturbed import descend, unperturbed

SHOWN = {"abs": 6e-11}
"""The worked numbers carry ten digits."""
EXACT = {"rel": 1e-10, "abs": 1e-13}
G_MIX = numbers(rho=0.5, lr=0.1, gamma=0.5)


def first_row(params):
    return params["head.weight"][0].tolist()


def numpy_gradients(weights, ratio):
    """Gradients (4, 2, 2) of the four mixed losses of `mixed_linear`, in numpy."""
    x, y, partner = np.array([[1.0, 0], [0, 2], [-1, 1], [2, 1]]), np.array([0, 1, 1, 0]), np.array([1, 0, 3, 2])
    mixed, target = ratio * x + (1 - ratio) * x[partner], ratio * np.eye(2)[y] + (1 - ratio) * np.eye(2)[y][partner]
    odds = np.exp(mixed @ weights.T)
    return (odds / odds.sum(1, keepdims=True) - target)[:, :, None] * mixed[:, None, :]


def test_g_mix_is_sam_on_one_draw_of_the_mixture():
    after, state, transition = step(sam(), G_MIX, mixed_linear(), linear())
    slope, losses, _ = descend(mixed_linear(), linear())
    assert losses.mean().item() == pytest.approx(0.6444270990, **SHOWN)
    assert tree.norm(slope).item() == pytest.approx(0.1045891740, **SHOWN)
    assert transition.gradient.trace["perturbed"].mean().item() == pytest.approx(0.7451114507, **SHOWN)
    assert first_row(after) == pytest.approx([0.5167095234, -0.1847081485], **SHOWN)
    sharpness = sam().watch(state, G_MIX, transition)["sharpness"].item()
    assert sharpness == pytest.approx(0.7451114507 - 0.6444270990, abs=2e-10)


def test_the_worked_example_is_as_sensitive_as_it_was_worked():
    _, _, transition = step(sam(), G_MIX, mixed_linear(), linear())
    rise = transition.gradient.trace["perturbed"].value - transition.gradient.losses.value
    assert rise.tolist() == pytest.approx([-0.0077691479, 0.1487524379, 0.2691129159, -0.0073587993], **SHOWN)
    assert most_sensitive(rise, real(0.5)).tolist() == [False, True, True, False]


def test_bg_mix_mixes_the_sensitive_and_unmixes_the_rest():
    found = gradient(bg_mix(), G_MIX, mixed_linear(), linear())
    assert first_row(found.value) == pytest.approx([-0.4179576598, -0.2286559219], **SHOWN)


def test_bg_mix_sums_the_sensitive_at_the_perturbed_and_the_rest_at_the_own_weights():
    weights = np.array([[0.5, -0.2], [-0.1, 0.3]])
    slope = numpy_gradients(weights, 0.3).mean(0)
    there = weights + 0.5 * slope / np.linalg.norm(slope)
    want = (numpy_gradients(there, 0.3)[[1, 2]].sum(0) + numpy_gradients(weights, 1.0)[[0, 3]].sum(0)) / 4
    assert flat(gradient(bg_mix(), G_MIX, mixed_linear(), linear()).value) == pytest.approx(want.ravel().tolist(), **EXACT)


def test_dg_mix_adds_what_the_rest_says_orthogonally_to_the_sensitive():
    sensitive = gradient(esam(), G_MIX | numbers(perturbed_share=1.0), mixed_linear(), linear(), recipe=EVERY_TENSOR).value
    found = gradient(dg_mix(), G_MIX, mixed_linear(), linear()).value
    beside = tree.add(found, sensitive, -1.0)
    assert first_row(found) == pytest.approx([-0.3646126692, -0.2491305320], **SHOWN)
    assert first_row(beside) == pytest.approx([-0.0376814242, 0.0422751980], **SHOWN)
    assert tree.dot(beside, sensitive).item() == pytest.approx(0, abs=1e-15)


EVERY_TENSOR = {"perturbed_tensors": torch.tensor([True])}


def test_esam_is_the_mean_over_the_sensitive_at_the_perturbed_weights():
    weights = np.array([[0.5, -0.2], [-0.1, 0.3]])
    slope = numpy_gradients(weights, 0.3).mean(0)
    want = numpy_gradients(weights + 0.5 * slope / np.linalg.norm(slope), 0.3)[[1, 2]].mean(0)
    found = gradient(esam(), G_MIX | numbers(perturbed_share=1.0), mixed_linear(), linear(), recipe=EVERY_TENSOR)
    assert flat(found.value) == pytest.approx(want.ravel().tolist(), **EXACT)


def at_gamma(method, gamma, problem=None):
    return flat(gradient(method(), G_MIX | numbers(gamma=gamma), problem or mixed_linear(), linear()).value)


@pytest.mark.parametrize("method", [bg_mix, dg_mix])
def test_with_all_examples_sensitive_a_partition_is_g_mix(method):
    assert at_gamma(method, 1.0) == pytest.approx(flat(gradient(sam(), G_MIX, mixed_linear(), linear()).value), **EXACT)


def test_with_no_example_sensitive_bg_mix_is_plain_training_on_unmixed_examples():
    assert at_gamma(bg_mix, 0.0) == pytest.approx(numpy_gradients(linear()["head.weight"].numpy(), 1.0).mean(0).ravel().tolist(), **EXACT)


def test_with_no_example_sensitive_dg_mix_is_plain_mixup():
    assert at_gamma(dg_mix, 0.0) == pytest.approx(flat(gradient(unperturbed(), {}, mixed_linear(), linear()).value), **EXACT)


def test_with_ratio_one_g_mix_and_bg_mix_with_all_sensitive_are_sam_on_plain_examples():
    weights = linear()["head.weight"].numpy()
    slope = numpy_gradients(weights, 1.0).mean(0)
    want = numpy_gradients(weights + 0.5 * slope / np.linalg.norm(slope), 1.0).mean(0).ravel().tolist()
    plain = mixed_linear(ratio=1.0)
    assert flat(gradient(sam(), G_MIX, plain, linear()).value) == pytest.approx(want, **EXACT)
    assert at_gamma(bg_mix, 1.0, plain) == pytest.approx(want, **EXACT)


@pytest.mark.parametrize("method", [bg_mix, dg_mix])
def test_a_partition_at_radius_zero_takes_the_first_examples_and_stays_finite(method):
    found = flat(gradient(method(), G_MIX | numbers(rho=0.0), mixed_linear(), linear()).value)
    weights = linear()["head.weight"].numpy()
    mixed, plain = numpy_gradients(weights, 0.3), numpy_gradients(weights, 1.0)
    if method is bg_mix:
        want = (mixed[[0, 1]].sum(0) + plain[[2, 3]].sum(0)) / 4
    else:
        steep, rest = mixed[[0, 1]].mean(0), mixed[[2, 3]].mean(0)
        want = steep + rest - (rest * steep).sum() / (steep * steep).sum() * steep
    assert found == pytest.approx(want.ravel().tolist(), **EXACT)


def test_losses_beyond_the_batch_stay_sensitive_in_bg_mix():
    def values(params):
        return torch.cat([params["a"] ** 2, params["b"]])  # an example, and one more that no example stands for

    problem = objective(values, unmixed=lambda params: 5 * params["a"])
    found = gradient(bg_mix(), numbers(rho=0.3, gamma=0.0), problem, {"a": real([2.0]), "b": real([3.0])})
    assert flat(found.value) == pytest.approx([2.5, 0.5], **EXACT)


def test_bg_mix_hands_the_criterion_the_losses_that_it_descends():
    def risk(losses: Losses):
        return (losses.value**2 * losses.weight).sum()

    problem = objective(
        lambda params: torch.cat([params["a"] ** 2, 2 * params["b"]]),
        risk=risk,
        unmixed=lambda params: torch.cat([params["a"], params["b"]]),
    )
    found = gradient(bg_mix(), numbers(rho=0.1, gamma=0.5), problem, {"a": real([2.0]), "b": real([1.0])})
    slope = np.array([2 * 2.0**3, 4 * 1.0])  # of (a^4 + (2 b)^2) / 2; a rises by more
    there = 2 + 0.1 * slope[0] / np.linalg.norm(slope)
    assert flat(found.value) == pytest.approx([2 * there**3, 1.0], **EXACT)  # of (a^4 + b^2) / 2


@given(some.lists(some.integers(-3, 3), min_size=1, max_size=12), some.floats(0, 1))
def test_the_sensitive_are_the_largest_exactly_as_many_as_asked_and_the_earlier_of_equals(rises, share):
    found = most_sensitive(real([float(rise) for rise in rises]), real(share)).tolist()
    ranked = sorted(range(len(rises)), key=lambda index: -rises[index])[: round(share * len(rises))]
    assert [index for index, chosen in enumerate(found) if chosen] == sorted(ranked)


def test_the_sensitive_are_found_row_by_row_under_vmap():
    rises, shares = torch.tensor([[3.0, 1.0, 2.0, 2.0], [0.0, 0.0, 0.0, 5.0]]), torch.tensor([0.5, 0.5])
    assert vmap(most_sensitive)(rises, shares).tolist() == [[True, False, True, False], [True, False, False, True]]


def test_a_part_without_examples_has_no_risk_and_no_gradient_under_a_criterion_that_takes_logarithms_of_weights():
    def tilted(losses: Losses):
        return (losses.value + losses.weight.log()).logsumexp(0)

    problem = objective(lambda params: params["a"], risk=tilted)

    def risk(value, chosen):
        return part_risk(problem, Losses(value, torch.full_like(value, 1 / 3)), chosen)

    value = real([1.0, 2.0, 4.0])
    none, two = torch.tensor([False] * 3), torch.tensor([True, False, True])
    assert risk(value, none).item() == 0
    assert torch.func.grad(risk)(value, none).tolist() == [0, 0, 0]
    assert risk(value, two).item() == pytest.approx(math.log((math.exp(1) + math.exp(4)) / 2), **EXACT)


def test_weights_of_a_part_keep_their_proportions():
    problem = objective(lambda params: params["a"])
    losses = Losses(real([1.0, 10.0, 100.0]), real([0.5, 0.1, 0.4]))
    assert part_risk(problem, losses, torch.tensor([True, True, False])).item() == pytest.approx((0.5 + 1) / 0.6, **EXACT)


def test_orthogonal_takes_the_joint_projection_over_tensors():
    vector, axis = {"a": real([1.0, 2.0]), "b": real([3.0])}, {"a": real([0.0, 1.0]), "b": real([1.0])}
    assert flat(orthogonal(vector, axis)) == pytest.approx([1, -0.5, 0.5], **EXACT)
    assert flat(orthogonal(vector, tree.scale(axis, 0.0))) == [1, 2, 3]
