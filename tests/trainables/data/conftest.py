"""A cache of its own for every test."""

import pytest


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ALTIPLANO_CACHE", str(folder))
    return folder
