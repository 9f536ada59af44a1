import os
import re
import sys
import threading

import pytest
import ray
from ray.tune.execution import class_cache

from search import cluster
from search.cluster import RayGone
from search.early import early
from tests.faults import processes


@pytest.fixture
def started(monkeypatch, tmp_path):
    """Folders of Rays that were started, and how many were ended; none is a real one."""

    class Rays:
        def __init__(self):
            self.folders, self.ended, self.fails, self.threads = [], 0, False, []

        def start(self, processors=None, *, warm=False):
            self.threads.append(threading.current_thread())
            if self.fails:
                raise RayGone("it did not come up")
            self.folders.append(tmp_path / f"ray-{len(self.folders)}")
            self.folders[-1].mkdir()
            return self.folders[-1]

        def shutdown(self):
            self.ended += 1

    rays = Rays()
    monkeypatch.setattr(ray, "is_initialized", lambda: bool(len(rays.folders) > rays.ended))
    monkeypatch.setattr(ray, "shutdown", rays.shutdown)
    monkeypatch.setattr(cluster, "started", rays.start)
    return rays


def test_a_ray_that_is_on_its_way_is_taken_once_and_ended_by_who_took_it(started):
    with early() as coming:
        with cluster.cluster(coming=coming):
            assert (len(started.folders), started.ended) == (1, 0)
        assert (started.ended, started.folders[0].exists()) == (1, False)
        with cluster.cluster(coming=coming):
            assert len(started.folders) == 2, "after the first has ended another one is started"
    assert started.ended == 2


def test_a_ray_that_nobody_takes_is_put_away(started):
    with pytest.raises(KeyError), early():
        raise KeyError
    assert (len(started.folders), started.ended, started.folders[0].exists()) == (1, 1, False)


def test_a_ray_that_does_not_come_up_is_told_to_who_takes_it_and_to_nobody_else(started):
    started.fails = True
    with early() as coming, pytest.raises(RayGone, match="did not come up"), cluster.cluster(coming=coming):
        pass
    with early():
        pass


def test_none_is_started_where_there_is_a_connection_already(started):
    with cluster.cluster(), early() as coming, cluster.cluster(coming=coming):
        assert (coming, len(started.folders)) == (None, 1)


def test_the_thread_that_started_it_lives_until_it_has_ended(started):
    with early() as coming, cluster.cluster(coming=coming):
        assert started.threads[0].is_alive(), "Linux would end Ray's processes with it"
        assert started.threads[0] is not threading.current_thread()
    assert not started.threads[0].is_alive()


@pytest.mark.xdist_group("ray")
def test_groups_are_trained_by_the_processes_that_were_warmed(monkeypatch):
    """An actor as Tune makes them finds what a worker needs imported already; nothing else is started, and all of it is gone afterwards.

    Another Ray, which is not there either, is not looked for.
    """
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")

    class Worker:
        def has(self, module):
            return module in sys.modules

    before = processes.descendants(os.getpid())  # of other tests: a server, say
    with early(warm=True) as coming, cluster.cluster(coming=coming):
        room = cluster.slots(1, 0)
        made = class_cache._ActorClassCache().get(Worker)
        workers = [made.options(num_cpus=1).remote() for _ in range(room)]
        assert ray.get([worker.has.remote(cluster.TRAINABLE) for worker in workers]) == [True] * room
        family = {process: command for process, command in processes.descendants(os.getpid()).items() if process not in before}
    assert processes.wait_gone(list(family), 5.0) == []
    others = re.compile(r"DashboardAgent|dashboard/\w+\.py|monitor\.py")
    assert [command for command in family.values() if others.search(command)] == []
    assert class_cache.DEFAULT_ENV_VARS, "a Ray of the user's own is handed what Tune hands it"
