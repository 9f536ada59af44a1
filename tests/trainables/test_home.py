"""A home's files appear whole; a local folder and an object store behave alike."""

import os

import pytest

from trainables.home import Home


@pytest.fixture(params=["local", "memory", pytest.param("s3", marks=pytest.mark.xdist_group("ray"))])
def home(request, tmp_path):
    if request.param == "s3":
        request.getfixturevalue("s3")
        return Home(f"s3://bucket/{request.node.name}")
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


def test_a_copy_stays_as_it_is(home):
    home.copy("a", "b")
    assert not home.exists("b")
    home.write("a", b"one")
    for _ in range(2):
        home.copy("a", "b")
    home.write("a", b"two")
    assert (home.read("a"), home.read("b")) == (b"two", b"one")
    home.copy("a", "b")
    assert home.read("b") == b"two"
    assert home.unfinished(".") == []


def test_a_file_system_without_hard_links_copies(tmp_path, monkeypatch):
    def refused(*arguments):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    home = Home(str(tmp_path))
    home.write("a", b"one")
    home.copy("a", "b")
    assert home.read("b") == b"one"


def test_files_are_for_whom_the_umask_says(tmp_path):
    before = os.umask(0o027)
    try:
        Home(str(tmp_path)).write("a", b"content")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_half_written_files_are_told_apart(tmp_path):
    home = Home(str(tmp_path))
    home.write("evidence/a.parquet", b"")
    (tmp_path / "evidence/.b.parquet.x1y2z3").write_bytes(b"half")
    assert home.names("evidence") == ["a.parquet"]
    assert home.unfinished("evidence") == [".b.parquet.x1y2z3"]
    assert home.unfinished("nowhere") == []


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
