"""What is measured and simulated about scale follows from what is put in."""

import pytest

from benchmarks import shared
from benchmarks.simulation import CONFIGURATIONS, GROUPS_EACH, METHODS, Costs, training_share

FREE = Costs(0.0, 0.0, 0.0)


@pytest.mark.parametrize("workers", [1, 10])
def test_a_driver_that_costs_nothing_keeps_every_worker_training(workers):
    assert training_share(FREE, workers, 60.0, 1.0) == (pytest.approx(1.0), 0.0)


def test_one_worker_waits_for_each_group_and_for_each_result():
    share, busy = training_share(FREE._replace(group=4.0, result=1.0), 1, 60.0, 6.0)
    assert share == pytest.approx(60 / 74)
    assert busy == pytest.approx((4 + 10) / 74)


def test_many_workers_are_bound_by_the_driver():
    costs = FREE._replace(group=1.0)
    share, busy = training_share(costs, 100, 10.0, 10.0)
    assert busy > 0.95
    assert share == pytest.approx(10 / 100, rel=0.1), "a group a second keeps ten busy"


def test_proposals_that_get_dearer_are_counted_as_they_come():
    share, _ = training_share(FREE._replace(proposals=((1.0, 1.0), (2.0, 2.0))), 1, 60.0, 60.0)
    waited = sum(number * CONFIGURATIONS**2 / METHODS for number in range(GROUPS_EACH))
    assert share == pytest.approx(GROUPS_EACH * 60 / (GROUPS_EACH * 60 + waited))


@pytest.mark.slow
def test_workers_of_a_machine_hold_a_data_set_once_and_two_machines_decode_it_once_each(tmp_path):
    path = shared.written(tmp_path, 24)
    together = shared.measured(path, [tmp_path / "one", tmp_path / "one"])
    assert together["decoded"] == 1
    assert 18 < together["data MB"] < 25, "together, not each"
    apart = shared.measured(path, [tmp_path / "one", tmp_path / "other"])
    assert (apart["machines"], apart["decoded"]) == (2, 1), "the first has it from before"
    assert 36 < apart["data MB"] < 50
