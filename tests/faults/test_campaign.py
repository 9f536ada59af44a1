"""Processes killed at random points of real studies; more of them: `make faults KILLS=200 SEED=7`."""

import os

import pytest

from tests.faults.campaign import EPOCHS, campaign
from tests.search.postgres import Server

KILLS, SEED = int(os.environ.get("KILLS", "60")), int(os.environ.get("SEED", "0"))


@pytest.mark.faults
@pytest.mark.timeout(0)  # every wait in it has its bound
def test_however_often_processes_are_killed_nothing_is_lost(tmp_path, postgres: Server):
    tally = campaign(tmp_path, SEED, KILLS, postgres)
    assert tally.kills.total() == KILLS
    assert set(tally.kills) == {"driver", "worker", "raylet", "server"}
    assert set(tally.studies) == {"SQLite", "PostgreSQL"}
    assert max(one.epochs for one in tally.lost) <= EPOCHS
