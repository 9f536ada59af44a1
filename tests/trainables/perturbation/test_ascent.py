import numpy as np
import pytest
import torch

from tests.trainables.perturbation.problems import bowl, flat, gradient, numbers, objective, pair, real
from trainables.draws import streams
from trainables.perturbation.ascent import adaptive, steepest, thinned
from trainables.perturbation.ascent import sam as sam_ascent
from trainables.perturbation.named import esam, sam

EXACT = {"rel": 1e-10, "abs": 1e-14}


def test_the_norm_is_joint_over_tensors():
    direction = steepest({"a": real([3.0]), "b": real([[4.0]])})
    assert [0.1 * value for value in flat(direction)] == pytest.approx([0.06, 0.08], **EXACT)


def test_the_ascent_is_zero_for_a_zero_gradient():
    zero = pair(0, 0)
    assert flat(steepest(zero)) == [0, 0]
    assert flat(adaptive(zero, zero)) == [0, 0]


def test_asam_scales_weights_by_their_size_and_leaves_biases():
    weight, bias = np.array([2.0, -0.5, 0.0]), np.array([3.0, 0.1])
    slope_weight, slope_bias = np.array([1.0, -2.0, 3.0]), np.array([0.5, -0.25])
    size = np.abs(weight) + 0.01
    norm = np.sqrt(((size * slope_weight) ** 2).sum() + (slope_bias**2).sum())
    found = adaptive({"a.weight": real(slope_weight), "a.bias": real(slope_bias)}, {"a.weight": real(weight), "a.bias": real(bias)})
    assert flat(found) == pytest.approx([*(size**2 * slope_weight / norm), *(slope_bias / norm)], **EXACT)


@pytest.mark.parametrize("factor", [0.1, 3.0, 50.0])
def test_asam_is_invariant_to_rescaling_where_the_loss_depends_on_the_product(factor):
    def perturbed_product(first, second):
        slope = pair(second, first)  # of w1 w2
        first_step, second_step = flat(adaptive(slope, pair(first, second), floor=0.0))
        return (first + 0.5 * first_step) * (second + 0.5 * second_step)

    assert perturbed_product(2.0 * factor, 0.7 / factor) == pytest.approx(perturbed_product(2.0, 0.7), rel=1e-10)


def test_sam_is_not_invariant_to_rescaling():
    def perturbed_product(first, second):
        first_step, second_step = flat(steepest(pair(second, first)))
        return (first + 0.5 * first_step) * (second + 0.5 * second_step)

    assert perturbed_product(6.0, 0.7 / 3) != pytest.approx(perturbed_product(2.0, 0.7), rel=1e-3)


def test_a_thinned_ascent_perturbs_the_chosen_tensors_by_their_share_of_sams_step():
    hyper, params, slope = numbers(perturbed_share=0.25), pair(1, 1), pair(3, 4)
    found = thinned(sam_ascent()).direction(hyper, {"perturbed_tensors": torch.tensor([False, True])}, slope, params)
    assert flat(found) == pytest.approx([0, 0.8 / 0.25], **EXACT)


def test_the_mask_follows_the_tensors_names_and_not_their_order():
    hyper, recipe = numbers(perturbed_share=1.0), {"perturbed_tensors": torch.tensor([True, False])}
    turned = {"b": real([4.0]), "a": real([3.0])}
    found = thinned(sam_ascent()).direction(hyper, recipe, turned, turned)
    assert found["a"].item() == pytest.approx(0.6, **EXACT)
    assert found["b"].item() == 0


def test_tensors_are_drawn_with_their_share_and_a_larger_share_only_adds_to_them():
    params = {name: real([0.0]) for name in "abcde"}
    ascent = thinned(sam_ascent())
    few, many = (ascent.draw(streams(3, 1), {"perturbed_share": share}, 2000, 8, params)["perturbed_tensors"] for share in (0.4, 0.7))
    assert few.shape == (2000, 5)
    assert few.double().mean().item() == pytest.approx(0.4, abs=0.02)
    assert many.double().mean().item() == pytest.approx(0.7, abs=0.02)
    assert not (few & ~many).any()
    assert len({tuple(row) for row in few.tolist()}) == 32  # tensors are drawn one by one


def test_esam_with_every_tensor_and_every_example_is_sam():
    hyper, recipe = numbers(rho=0.05, perturbed_share=1.0, gamma=1.0), {"perturbed_tensors": torch.tensor([True, True])}
    found = gradient(esam(), hyper, bowl(), pair(1, 1), recipe=recipe)
    assert flat(found.value) == pytest.approx(flat(gradient(sam(), hyper, bowl(), pair(1, 1)).value), **EXACT)


def test_esam_takes_the_gradient_over_the_sensitive_examples_where_the_chosen_tensors_are_perturbed():
    def values(params):
        return torch.cat([params["first.weight"] ** 2, 10 * params["second.weight"] ** 2])

    hyper, recipe = numbers(rho=0.05, perturbed_share=0.5, gamma=0.5), {"perturbed_tensors": torch.tensor([False, True])}
    found = gradient(esam(), hyper, objective(values), pair(1, 1), recipe=recipe)
    there = 1 + 0.05 * 10 / np.hypot(1, 10) / 0.5  # of the mean's gradient (w1, 10 w2) the second tensor's alone, divided by its share
    assert flat(found.value) == pytest.approx([0, 20 * there], **EXACT)
