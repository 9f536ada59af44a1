"""What holds for every test: one thread a process, no telemetry, a cache of its own, annotations checked at run time, fixed examples.

The environment is set before torch, numpy or ray are imported, and processes that tests start inherit it.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["MPLBACKEND"] = "agg"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"  # what Ray 2.60 otherwise warns will be its default
if "PYTEST_XDIST_WORKER" not in os.environ:  # workers share the controller's cache, and nobody's own is touched
    os.environ["ALTIPLANO_CACHE"] = tempfile.mkdtemp(prefix="altiplano-cache-")
    atexit.register(shutil.rmtree, os.environ["ALTIPLANO_CACHE"], ignore_errors=True)

from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""Checks annotations at each call, with Python's rule that an int may stand where a float is asked for."""

install_import_hook("trainables", "tests.conftest.checked")

import hypothesis
import pytest
import torch

torch.set_num_threads(1)
hypothesis.settings.register_profile("same-every-time", derandomize=True, deadline=None)
hypothesis.settings.load_profile("same-every-time")

BROWSER_REQUIRED = "ALTIPLANO_BROWSER_REQUIRED"
"""Set where a missing Chromium is a failure and no reason to skip: in CI."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a CUDA device where there is none."""
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device, and torch sees none"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a headless-capable Chromium; skips where there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path:
        return path
    if os.environ.get(BROWSER_REQUIRED):
        pytest.fail(f"no Chromium on PATH although {BROWSER_REQUIRED} is set: apt-get install chromium")
    pytest.skip("needs Chromium on PATH: apt-get install chromium")


@pytest.fixture(scope="session")
def bucket() -> Iterator[Any]:
    """An S3 server with one bucket; tests that use it share a worker, and so the server, by xdist_group("ray")."""
    from tests.search.buckets import Bucket

    made = Bucket()
    yield made
    made.stop()


@pytest.fixture
def s3(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The bucket, empty, with what this process needs to use it; nothing of an earlier test's connection is left."""
    from s3fs import S3FileSystem

    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    yield bucket
    S3FileSystem.clear_instance_cache()
    bucket.clear()
