import pytest
import torch
from torch.func import vmap

from tests.trainables.perturbation.problems import bowl, first_state, flat, gradient, numbers, objective, pair, real, step
from trainables import tree
from trainables.axes import Losses
from trainables.perturbation.looksam import looksam
from trainables.perturbation.named import asam, bg_mix, dg_mix, esam, lets_asam, lets_sam, sam
from trainables.perturbation.sharpdro import sharpdro
from trainables.perturbation.unperturbed import unperturbed

EXACT = {"rel": 1e-10, "abs": 1e-12}


def where(value):
    """The weights at which `bowl`'s gradient is `value`."""
    first, second = flat(value)
    return [first, second / 10]


def test_sam_takes_the_gradient_at_the_perturbed_weights():
    found = gradient(sam(), numbers(rho=0.05), bowl(), pair(1, 1))
    assert where(found.value) == pytest.approx([1.0049751859510494, 1.0497518595104944], **EXACT)


def test_a_step_of_sam_starts_from_the_weights_and_not_from_the_perturbed_ones():
    after, _, _ = step(sam(), numbers(rho=0.05, lr=0.1), bowl(), pair(1, 1))
    assert flat(after) == pytest.approx([0.8995024814048951, -0.0497518595104945], **EXACT)


def test_the_size_of_the_loss_does_not_matter_to_where_sam_looks():
    found = gradient(sam(), numbers(rho=0.05), bowl(1000.0), pair(1, 1))
    assert where(tree.scale(found.value, 1e-3)) == pytest.approx([1.0049751859510494, 1.0497518595104944], **EXACT)


def test_sam_is_the_closed_form_on_a_quadratic_over_two_tensors_of_different_shapes():
    curvature, centre, start = real([1.0, 4.0, 9.0]), real([1.0, -1.0, 2.0]), real([0.3, 0.2, -0.1])
    problem = objective(lambda params: (((torch.cat([params["a"], params["b"]]) - centre) ** 2 * curvature).sum() / 2)[None])
    found = gradient(sam(), numbers(rho=0.7), problem, {"a": start[:1], "b": start[1:]})
    slope = curvature * (start - centre)
    want = curvature * (start + 0.7 * slope / slope.norm() - centre)
    assert flat(found.value) == pytest.approx(want.tolist(), **EXACT)


def test_asam_takes_the_gradient_at_weights_perturbed_in_proportion_to_their_size():
    found = gradient(asam(), numbers(rho=0.5), bowl(), pair(2, 1))
    assert where(found.value) == pytest.approx([2.371653102046632, 1.4692004274619062], **EXACT)


def test_a_step_of_asam_starts_from_the_weights():
    after, _, _ = step(asam(), numbers(rho=0.5, lr=0.1), bowl(), pair(2, 1))
    assert flat(after) == pytest.approx([1.7628346897953369, -0.4692004274619063], **EXACT)


@pytest.mark.parametrize("method", [sam, asam])
def test_radius_zero_is_the_gradient_at_the_weights_to_the_last_bit(method):
    found = gradient(method(), numbers(rho=0.0), bowl(), pair(1.7, -0.3))
    plain = gradient(unperturbed(), {}, bowl(), pair(1.7, -0.3))
    assert flat(found.value) == flat(plain.value)


@pytest.mark.parametrize("method", [sam, asam, lets_sam, lets_asam])
def test_a_zero_gradient_leaves_the_weights_unperturbed_and_finite(method):
    hyper = numbers(rho=0.5, radius_step=0.1, lr=0.1)
    after, state, transition = step(method(), hyper, bowl(), pair(0, 0))
    assert flat(transition.gradient.value) == [0, 0]
    assert flat(after) == [0, 0]
    assert all(leaf.isfinite().all() for _, leaf in tree.leaves(state))


@pytest.mark.parametrize("method", [sam, asam, lets_sam, lets_asam, bg_mix, dg_mix, esam, looksam, sharpdro])
def test_losses_and_buffers_come_from_the_first_pass(method):
    params = pair(1, 1)
    hyper = numbers(rho=0.5, radius_step=0.1, gamma=1.0, perturbed_share=1.0, reuse=0.7, group_step=0.01)
    found = gradient(method(), hyper, bowl(), params, recipe={"perturbed_tensors": torch.tensor([True, True])})
    assert flat(found.buffers) == flat(params)
    assert found.losses.value.tolist() == [5.5]
    assert found.trace["perturbed"].value.item() > 6


def test_both_passes_differentiate_the_criterion():
    def risk(losses: Losses):
        return (losses.value**2 * losses.weight).sum()

    def value(params):
        return torch.cat([params["first.weight"] ** 2, 3 * params["second.weight"]])

    found = gradient(sam(), numbers(rho=0.2), objective(value, risk=risk), pair(1, 2))
    slope = real([2 * 1.0**3, 9 * 2.0])  # of (w1^4 + 9 w2^2) / 2
    there = real([1.0, 2.0]) + 0.2 * slope / slope.norm()
    assert flat(found.value) == pytest.approx([2 * there[0].item() ** 3, 9 * there[1].item()], **EXACT)


def test_sharpness_is_the_rise_of_the_mean_loss():
    perturbation, hyper = sam(), numbers(rho=0.05, lr=0.1)
    _, state, transition = step(perturbation, hyper, bowl(), pair(1, 1))
    rise = (1.0049751859510494**2 + 10 * 1.0497518595104944**2) / 2 - 5.5
    assert perturbation.watch(state, hyper, transition)["sharpness"].item() == pytest.approx(rise, **EXACT)


def test_the_norm_does_not_run_over_members():
    perturbation = sam()
    members = tree.stack([pair(1, 1), pair(300, -200)])
    rho = real([0.05, 0.2])

    def one(params, radius):
        return gradient(perturbation, {"rho": radius}, bowl(), params, state={}).value

    together = vmap(one)(members, rho)
    for row, params in enumerate([pair(1, 1), pair(300, -200)]):
        assert flat(tree.take(together, row)) == pytest.approx(flat(one(params, rho[row])), **EXACT)


def test_a_fixed_radius_keeps_no_state_and_no_direction():
    assert first_state(sam(), numbers(rho=0.1), pair(1, 1)) == {}
    assert "direction" not in gradient(sam(), numbers(rho=0.1), bowl(), pair(1, 1)).trace
