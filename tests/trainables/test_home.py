"""A home's files appear whole; a local folder and an object store behave alike."""

import os

import pytest

from trainables.home import Home


@pytest.fixture(params=["local", "remote"])
def home(request, tmp_path):
    return Home(str(tmp_path / "study") if request.param == "local" else f"memory://{request.node.name}")


def test_what_is_written_is_read(home):
    home.write("evidence/a.parquet", b"one")
    home.write("evidence/a.parquet", b"two")
    assert home.read("evidence/a.parquet") == b"two"
    assert home.exists("evidence/a.parquet")
    assert home.names("evidence") == ["a.parquet"]


def test_what_is_not_there_reads_as_none(home):
    assert home.read("evidence/a.parquet") is None
    assert not home.exists("evidence/a.parquet")
    assert home.names("evidence") == []
    home.remove("evidence/a.parquet")
    home.move("evidence/a.parquet", "evidence/b.parquet")
    assert home.names("evidence") == []


def test_moving_replaces_the_target(home):
    home.write("a", b"new")
    home.write("b", b"old")
    home.move("a", "b")
    assert home.read("b") == b"new"
    assert not home.exists("a")


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    home = Home(str(tmp_path))
    home.write("a", b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        home.write("a", b"new")
    assert home.read("a") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
