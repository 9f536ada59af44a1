import numpy as np
import pytest

from search.halving import distances, fronts, standard_error, survivors


def one_seed(*means):
    return np.asarray(means, float).reshape(len(means), 1, -1)


def test_with_one_objective_and_one_seed_the_best_go_on():
    assert survivors(one_seed(0.2, 0.9, 0.5, 0.7), 0.5).tolist() == [1, 3]


def test_the_number_that_goes_on_is_rounded_up_and_never_zero():
    scores = one_seed(0.1, 0.2, 0.3, 0.4, 0.5)
    assert [len(survivors(scores, keep)) for keep in (0.01, 0.2, 0.21, 0.34, 1.0)] == [1, 1, 2, 2, 5]


def test_among_equals_the_first_go_on():
    assert survivors(one_seed(0.5, 0.5, 0.5, 0.5), 0.5).tolist() == [0, 1]


def test_fronts_are_peeled_one_by_one():
    means = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.4, 0.4], [0.9, -0.1], [0.3, 0.3]])
    assert fronts(means).tolist() == [0, 0, 0, 1, 1, 2]


def test_the_front_that_is_cut_keeps_its_ends_and_its_least_crowded():
    means = [(0.0, 1.0), (0.1, 0.9), (0.2, 0.8), (0.7, 0.3), (1.0, 0.0), (0.0, 0.0)]
    assert survivors(one_seed(*means), 0.5).tolist() == [0, 3, 4]


def test_crowding_is_the_scaled_gap_between_neighbours():
    means = np.array([[0.0, 4.0], [1.0, 3.0], [4.0, 0.0]])
    np.testing.assert_allclose(distances(means), [np.inf, 1.0 + 1.0, np.inf])


def test_who_might_have_made_the_cut_within_one_pooled_standard_error_stays():
    spread = np.array([-0.01, 0.0, 0.01])
    scores = np.stack([mean + spread for mean in (0.8, 0.795, 0.79)])[:, :, None]
    error = 0.01 / np.sqrt(3)  # the standard deviation of (-.01, 0, .01) is .01
    np.testing.assert_allclose(standard_error(scores), [error])
    assert survivors(scores, 0.33).tolist() == [0, 1]  # .795 + .0058 > .8, .79 + .0058 < .8


def test_the_error_is_pooled_over_configurations():
    scores = np.array([[[0.9], [0.7]], [[0.5], [0.5]]])
    np.testing.assert_allclose(standard_error(scores), [np.sqrt((0.02 + 0) / 2 / 2)])


def test_mercy_asks_for_being_as_good_in_every_objective():
    spread = np.array([-0.01, 0.01])[:, None]
    best, near, other = np.array([0.8, 0.8]), np.array([0.795, 0.795]), np.array([0.9, 0.1])
    assert survivors(np.stack([best + spread, near + spread]), 0.5).tolist() == [0, 1]
    assert survivors(np.stack([best + spread, other - 0.2 + spread]), 0.5).tolist() == [0]


@pytest.mark.parametrize(
    ("scores", "keep", "message"),
    [
        (np.zeros((2, 3)), 0.5, "shape"),
        (np.zeros((0, 3, 1)), 0.5, "shape"),
        (np.full((2, 3, 1), np.nan), 0.5, "finite"),
        (np.zeros((2, 3, 1)), 0.0, "keep"),
        (np.zeros((2, 3, 1)), 1.5, "keep"),
    ],
)
def test_bad_input_is_refused(scores, keep, message):
    with pytest.raises(ValueError, match=message):
        survivors(scores, keep)
