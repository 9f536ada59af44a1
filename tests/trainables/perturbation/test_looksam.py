import numpy as np
import pytest

from tests.trainables.perturbation.problems import bowl, first_state, flat, gradient, numbers, objective, pair, step
from trainables.perturbation.looksam import looksam
from trainables.perturbation.named import sam

EXACT = {"rel": 1e-10, "abs": 1e-13}
HYPER = numbers(rho=0.05, reuse=0.7, lr=0.1)


def slope(weights):
    return np.array([1, 10]) * weights


def kept_at(weights):
    """What a look at `weights` keeps on `bowl`."""
    first = slope(weights)
    second = slope(weights + 0.05 * first / np.linalg.norm(first))
    return second - second @ first / (first @ first) * first


def test_the_first_step_is_sams():
    after, _, _ = step(looksam(), HYPER, bowl(), pair(1, 1))
    assert flat(after) == pytest.approx([0.8995024814048951, -0.0497518595104945], **EXACT)


def test_a_look_keeps_sams_gradient_without_its_part_along_the_own_gradient():
    _, state, _ = step(looksam(), HYPER, bowl(), pair(1, 1))
    assert flat(state["kept"]) == pytest.approx(kept_at(np.array([1.0, 1.0])).tolist(), **EXACT)


def test_steps_in_between_add_the_kept_direction_in_proportion_to_their_gradient():
    perturbation = looksam(every=3)
    params, state, _ = step(perturbation, HYPER, bowl(), pair(1, 1))
    kept = kept_at(np.array([1.0, 1.0]))
    for turn in (1, 2):
        own = slope(np.array(flat(params)))
        want = own + 0.7 * np.linalg.norm(own) / np.linalg.norm(kept) * kept
        found = gradient(perturbation, HYPER, bowl(), params, state=state, turn=turn)
        assert flat(found.value) == pytest.approx(want.tolist(), **EXACT)
        params, state, _ = step(perturbation, HYPER, bowl(), params, state=state, turn=turn)
    assert flat(state["kept"]) == pytest.approx(kept.tolist(), **EXACT)


def test_it_looks_again_after_its_period_and_not_before():
    perturbation = looksam(every=2)
    params, state, _ = step(perturbation, HYPER, bowl(), pair(1, 1))
    params, after_one, _ = step(perturbation, HYPER, bowl(), params, state=state, turn=1)
    _, after_two, _ = step(perturbation, HYPER, bowl(), params, state=after_one, turn=2)
    assert flat(after_one["kept"]) == flat(state["kept"])
    assert flat(after_two["kept"]) == pytest.approx(kept_at(np.array(flat(params))).tolist(), **EXACT)


def test_looking_every_step_is_sam():
    perturbation = looksam(every=1)
    for turn in range(3):
        found = gradient(perturbation, HYPER, bowl(), pair(2, -1), turn=turn)
        assert flat(found.value) == flat(gradient(sam(), HYPER, bowl(), pair(2, -1)).value)


@pytest.mark.parametrize("weights", [(1, 0), (0, 0)])
def test_where_nothing_was_kept_the_steps_in_between_are_plain(weights):
    params = pair(*weights)
    _, state, _ = step(looksam(), HYPER, bowl(), params)  # on an axis of the bowl, or at its bottom, SAM adds nothing orthogonal
    found = gradient(looksam(), HYPER, bowl(), params, state=state, turn=1)
    assert flat(found.value) == pytest.approx(slope(np.array(weights)).tolist(), **EXACT)


def test_sharpness_is_that_of_the_last_look():
    perturbation = looksam(every=2)
    params, state, transition = step(perturbation, HYPER, bowl(), pair(1, 1))
    rise = (1.0049751859510494**2 + 10 * 1.0497518595104944**2) / 2 - 5.5
    assert perturbation.watch(state, HYPER, transition)["sharpness"].item() == pytest.approx(rise, **EXACT)
    _, state, transition = step(perturbation, HYPER, bowl(), params, state=state, turn=1)
    assert perturbation.watch(state, HYPER, transition)["sharpness"].item() == pytest.approx(rise, **EXACT)


def test_the_projection_is_joint_over_tensors():
    linear_then_square = objective(lambda params: 3 * params["first.weight"] + params["second.weight"] ** 2 / 2)
    _, state, transition = step(looksam(), HYPER, linear_then_square, pair(1, 4))
    first, there = np.array([3.0, 4.0]), 4 + 0.05 * 4 / 5
    second = np.array([3.0, there])
    assert flat(transition.gradient.value) == pytest.approx(second.tolist(), **EXACT)
    assert flat(state["kept"]) == pytest.approx((second - second @ first / 25 * first).tolist(), **EXACT)


def test_a_period_below_one_is_refused():
    with pytest.raises(ValueError, match=r"every must be .* from 1 up, got 0"):
        looksam(every=0)


def test_it_starts_with_nothing_kept():
    assert flat(first_state(looksam(), HYPER, pair(1, 1))["kept"]) == [0, 0]
