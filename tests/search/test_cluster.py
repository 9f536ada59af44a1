import pytest
import ray

from search.cluster import RayGone, cluster


def test_a_ray_that_does_not_come_up_is_one_that_is_gone(monkeypatch):
    def init(**options):
        raise Exception("The current node timed out during startup.\nmore")  # noqa: TRY002 it is what Ray raises

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(RayGone, match=r"could not be started \(The current node timed out during startup\.\)$"), cluster():
        pass
