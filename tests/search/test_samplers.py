"""Every sampler on a problem whose best trade-offs are known: a quarter of a circle."""

import numpy as np
import pytest
from optuna.trial import TrialState

from search.domain import Refusals
from search.sampling import Sampling
from search.space import space

FREE = space("g-mix", {"alpha": [0.1, 10.0], "rho": [0.01, 1.0]}, {}, Refusals())
FRONT = np.pi / 4
"""Area of the unit square that the whole front dominates."""


def place(params):
    """(along, off): how far along the front, in [0, 1], and how far off it, in [0, 1]; even where a sampler draws evenly."""
    return (np.log10(params["alpha"]) + 1) / 2, abs(np.log10(params["rho"]) + 1)


def scores(params):
    """Two objectives to be maximised: on the front they are the cosine and the sine of one angle, off it less of both."""
    along, off = place(params)
    return [float(np.cos(along * np.pi / 2) * (1 - off)), float(np.sin(along * np.pi / 2) * (1 - off))]


def searched(sampler, count, seed=0):
    """(count, 4): along, off and both objectives of each configuration, asked and told one by one."""
    sampling, rows = Sampling(FREE, sampler, 2, seed, count), []
    for number in range(count):
        params = sampling.propose(number).params
        rows.append([*place(params), *scores(params)])
        sampling.tell(number, TrialState.COMPLETE, scores(params))
    return np.array(rows)


def dominated(points):
    """Area of the unit square that at least one of the points dominates."""
    area, reached = 0.0, 0.0
    for first, second in sorted(points.tolist(), reverse=True):
        area += first * max(0.0, second - reached)
        reached = max(reached, second)
    return area


def test_the_area_is_that_of_a_front_of_two():
    assert dominated(np.array([[0.5, 1.0], [1.0, 0.5], [0.4, 0.4]])) == pytest.approx(0.75)


@pytest.mark.parametrize(("sampler", "count"), [("tpe", 60), ("nsga2", 60), ("gp", 18)])
def test_a_sampler_of_several_objectives_comes_to_the_front_and_stays_wide(sampler, count):
    found = searched(sampler, count)
    chance = np.mean([dominated(searched("random", count, seed)[:, 2:]) for seed in range(5)])
    late = found[count // 2 :]
    assert late[:, 1].mean() < 0.4, "half of the way off is what chance gives"
    assert np.ptp(late[:, 0]) > 0.6, "and it has not settled for one of the objectives"
    assert (FRONT - dominated(found[:, 2:])) < 0.8 * (FRONT - chance)


def test_cmaes_comes_to_the_best_mean_of_the_objectives():
    found = searched("cmaes", 60)
    assert found[:, 2:].mean(axis=1).max() == pytest.approx(np.sqrt(0.5), abs=0.01)
    late = found[30:]
    assert late[:, 1].mean() < 0.2
    assert np.abs(late[:, 0] - 0.5).mean() < 0.15


def test_qmc_puts_one_point_into_each_of_sixteen_equal_boxes():
    sampling = Sampling(FREE, "qmc", 2, 0, 16)
    points = [sampling.propose(number).params for number in range(16)]
    boxes = {(int(2 * (np.log10(one["alpha"]) + 1)), int(2 * (np.log10(one["rho"]) + 2))) for one in points}
    assert len(boxes) == 16


def test_random_covers_the_space_evenly():
    found = searched("random", 300)
    assert found[:, :2].mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.05)
    assert found[:, :2].std(axis=0) == pytest.approx([12**-0.5] * 2, abs=0.03)


def test_tpe_proposes_what_optunas_own_does(monkeypatch):
    ours = searched("tpe", 30)
    monkeypatch.delattr("search.samplers.Tpe.infer_relative_search_space")
    assert (searched("tpe", 30) == ours).all()
