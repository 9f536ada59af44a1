import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.trainables.data.files import write_idx, write_images
from trainables.data import cache as cache_module
from trainables.data.folder import images
from trainables.data.idx import idx
from trainables.data.load import load
from trainables.data.raw import Blocks, Raw

LOADING = """
import hashlib, sys
from trainables.data.load import load
data = load("images", path=sys.argv[1], corruption={"kinds": ["blur", "gaussian_noise"], "train": "poisson(1)", "test": "uniform"})
print(hashlib.sha256(b"".join(part.x.numpy().tobytes() for part in (data.train, data.selection, data.test))).hexdigest())
"""


def entries(folder):
    return sorted(entry.name for entry in (folder / "decoded").iterdir() if not entry.name.startswith("."))


def test_a_data_set_is_decoded_once(tmp_path, cache_folder, monkeypatch):
    write_images(tmp_path)
    first = load("images", path=str(tmp_path))
    monkeypatch.setattr("trainables.data.pillow.decoded", None)  # whoever decodes now fails
    again = load("images", path=str(tmp_path))
    assert first.train.x.numpy().tobytes() == again.train.x.numpy().tobytes()
    assert len(entries(cache_folder)) == 1


def test_inputs_are_mapped_from_the_cache_not_read_into_memory(tmp_path, cache_folder):
    write_images(tmp_path)
    data = load("images", path=str(tmp_path))
    held = [line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if str(cache_folder) in line]
    assert any(name.endswith("train.x") for name in held)
    assert data.train.store.data_ptr() == data.selection.store.data_ptr()


def test_an_entry_is_named_by_content_not_by_place_or_time(tmp_path, cache_folder):
    write_images(tmp_path / "here")
    (tmp_path / "there").mkdir()
    for part in ("cat", "dog"):
        (tmp_path / "there" / part).mkdir()
        for file in (tmp_path / "here" / part).iterdir():
            (tmp_path / "there" / part / file.name).write_bytes(file.read_bytes())
    load("images", path=str(tmp_path / "here"))
    load("images", path=str(tmp_path / "there"))
    assert len(entries(cache_folder)) == 1


def test_a_changed_file_is_another_entry(tmp_path, cache_folder):
    x = write_images(tmp_path)
    before = load("images", path=str(tmp_path))
    file = tmp_path / "cat" / "000.png"
    file.write_bytes((tmp_path / "cat" / "001.png").read_bytes())
    after = load("images", path=str(tmp_path))
    assert len(entries(cache_folder)) == 2
    held = {row.tobytes() for part in (after.train, after.selection, after.test) for row in part.x.numpy()}
    assert x[0].tobytes() not in held
    assert x[0].tobytes() in {row.tobytes() for part in (before.train, before.selection, before.test) for row in part.x.numpy()}


def test_other_options_of_the_reader_are_another_entry(tmp_path, cache_folder):
    write_images(tmp_path)
    load("images", path=str(tmp_path))
    load("images", path=str(tmp_path), size=4)
    assert len(entries(cache_folder)) == 2


def test_a_torn_entry_is_made_again(tmp_path, cache_folder):
    write_images(tmp_path)
    before = load("images", path=str(tmp_path)).train.x.clone()
    (entry,) = (cache_folder / "decoded").glob("[!.]*")
    with (entry / "train.x").open("r+b") as file:
        file.truncate(100)
    assert load("images", path=str(tmp_path)).train.x.equal(before)
    with (entry / "train.x").open("ab") as file:
        file.write(b"more")
    assert load("images", path=str(tmp_path)).train.x.equal(before)
    assert (entry / "train.x").stat().st_size % 3 == 0
    (entry / "data.json").write_text("{")
    assert load("images", path=str(tmp_path)).train.x.equal(before)


def test_a_failed_decoding_leaves_nothing_behind(tmp_path, cache_folder):
    write_images(tmp_path)
    (tmp_path / "dog" / "011.png").write_bytes((tmp_path / "dog" / "011.png").read_bytes()[:90])
    with pytest.raises(ValueError, match=r"011\.png is truncated"):
        load("images", path=str(tmp_path))
    assert entries(cache_folder) == []
    assert [entry for entry in (cache_folder / "decoded").iterdir() if entry.is_dir()] == []


def test_processes_that_want_one_entry_at_once_all_get_it_and_it_is_decoded_once(tmp_path, cache_folder):
    write_images(tmp_path, count=150, side=32)
    running = [subprocess.Popen([sys.executable, "-c", LOADING, str(tmp_path)], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    digests = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0] * 3
    assert len(digests) == 1
    assert len(entries(cache_folder)) == 2  # the pictures, and the corrupted ones
    times = {(cache_folder / "decoded" / name / "data.json").stat().st_mtime_ns for name in entries(cache_folder)}
    time.sleep(0.01)
    assert subprocess.run([sys.executable, "-c", LOADING, str(tmp_path)], capture_output=True, text=True, check=True).stdout in digests
    assert {(cache_folder / "decoded" / name / "data.json").stat().st_mtime_ns for name in entries(cache_folder)} == times


def test_what_a_killed_process_left_is_removed_after_a_day(cache_folder):
    raw = Raw(np.zeros((2, 3), np.float32), np.array([0, 1]), ("a", "b"))
    cache_module.stored("name", lambda: raw)
    old, new = cache_folder / "decoded" / ".other-old", cache_folder / "decoded" / ".other-new"
    for left in (old, new):
        left.mkdir()
    os.utime(old, (0, 0))
    cache_module.stored("other", lambda: raw)
    assert not old.exists()
    assert new.exists()


def test_without_locks_a_race_still_leaves_a_whole_entry(cache_folder, monkeypatch):
    def other_was_faster():
        made = cache_module.stored("name", lambda: raw)
        assert made.y.tolist() == [0, 1]
        return raw

    raw = Raw(np.zeros((2, 3), np.float32), np.array([0, 1]), ("a", "b"))
    monkeypatch.setattr(cache_module.fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError("no locks here")))
    assert cache_module.stored("name", other_was_faster).y.tolist() == [0, 1]
    assert entries(cache_folder) == ["name"]


def test_a_reader_that_yields_too_few_rows_is_found_out(cache_folder):
    short = Raw(Blocks((3, 2), np.dtype(np.float32), lambda: iter([np.zeros((2, 2), np.float32)])), np.array([0, 1, 1]), ("a", "b"))
    with pytest.raises(ValueError, match="must have the 3 examples it announced, 2 were read"):
        cache_module.stored("short", lambda: short)


def test_a_cache_that_cannot_be_written_is_named_with_the_way_out(tmp_path, monkeypatch):
    write_idx(tmp_path)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ALTIPLANO_CACHE", str(tmp_path / "file"))
    with pytest.raises(ValueError, match=r"must be writable.*name another folder in ALTIPLANO_CACHE"):
        load("idx", path=str(tmp_path))


def test_a_disk_too_full_is_noticed_before_anything_is_written(tmp_path, cache_folder, monkeypatch):
    write_images(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100))
    with pytest.raises(ValueError, match="needs 2,304 bytes for this data set, 100 are free"):
        load("images", path=str(tmp_path))
    assert entries(cache_folder) == []


def test_digests_are_kept_so_that_files_are_read_once(tmp_path, monkeypatch):
    write_idx(tmp_path)
    source = idx(str(tmp_path))
    first = cache_module._content(source)
    monkeypatch.setattr("trainables.data.cache._file_digest", None)
    assert cache_module._content(idx(str(tmp_path))) == first
    write_images(tmp_path / "other")
    with pytest.raises(TypeError):
        cache_module._content(images(str(tmp_path / "other")))
