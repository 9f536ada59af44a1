"""Fronts and hypervolumes against brute force."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from analysis import pareto
from trainables.draws import stream


def brute(points: np.ndarray) -> np.ndarray:
    better = (points[None] >= points[:, None]).all(2) & (points[None] > points[:, None]).any(2)
    return ~better.any(1)


@given(st.integers(1, 40), st.integers(2, 3), st.integers(2, 12), st.integers(0, 10_000))
def test_the_front_is_what_brute_force_finds_ties_included(count: int, figures: int, levels: int, entropy: int) -> None:
    points = stream(entropy, "points").integers(0, levels, (count, figures)) / levels
    assert (pareto.front(points) == brute(points)).all()


@given(st.integers(1, 12), st.integers(2, 3), st.integers(0, 10_000))
def test_the_hypervolume_is_the_share_of_a_fine_grid_that_is_dominated(count: int, figures: int, entropy: int) -> None:
    source = stream(entropy, "volume")
    points, reference = source.integers(0, 9, (count, figures)) / 8, source.integers(0, 5, figures) / 8
    cells = (np.stack(np.meshgrid(*[np.arange(8)] * figures), axis=-1).reshape(-1, figures) + 0.5) / 8
    dominated = (cells[:, None] < points[None]).all(2).any(1) & (cells > reference).all(1)
    assert_allclose(pareto.hypervolume(points, reference), dominated.mean(), atol=1e-12)


def test_the_chance_of_the_front_is_that_of_the_draws_and_leaving_out_changes_nothing() -> None:
    source = stream(1, "chance")
    means, deviations = source.random((30, 3)), 0.02 + 0.05 * source.random((30, 3))
    draws = means + deviations * source.standard_normal((400, 30, 3))
    plain = np.mean([brute(sample) for sample in draws], axis=0)
    found = pareto.chance_of_front(draws, means - 3 * deviations, means + 3 * deviations)
    assert_allclose(found, plain, atol=0.01)
    assert (found > 0).sum() < 30
