import mmap
from types import SimpleNamespace

import numpy as np
import pytest

from trainables.data import memory


@pytest.mark.parametrize(("room", "advice"), [(10_000, mmap.MADV_WILLNEED), (1_000, mmap.MADV_RANDOM)])
def test_a_file_is_read_ahead_only_where_it_fits(monkeypatch, room, advice):
    given: list[int] = []
    monkeypatch.setattr(memory, "free", lambda: room)
    memory.advise(SimpleNamespace(nbytes=1_000, _mmap=SimpleNamespace(madvise=given.append)))
    assert given == [advice]


def test_advice_changes_nothing_that_is_read(tmp_path, monkeypatch):
    np.arange(5000).tofile(tmp_path / "x")
    monkeypatch.setattr(memory, "free", lambda: 1)
    x = np.memmap(tmp_path / "x", np.int64, mode="c")
    memory.advise(x)
    assert x.sum() == 5000 * 4999 // 2


def test_free_memory_is_the_least_of_what_the_machine_and_the_container_say(monkeypatch):
    files = {"/proc/meminfo": "MemTotal: 9 kB\nMemAvailable: 8 kB\n"}
    monkeypatch.setattr(memory, "_read", lambda path: files.get(path, ""))
    assert memory.free() == 8192
    files["/sys/fs/cgroup/memory.max"] = "max\n"
    assert memory.free() == 8192
    files["/sys/fs/cgroup/memory/memory.limit_in_bytes"] = "5000\n"
    assert memory.free() == 5000
    files |= {"/proc/self/cgroup": "4:memory:/jobs/one\n", "/sys/fs/cgroup/memory/jobs/one/memory.limit_in_bytes": "400\n"}
    assert memory.free() == 400
    files |= {"/proc/self/cgroup": "0::/jobs/two\n", "/sys/fs/cgroup/jobs/two/memory.max": "30\n"}
    assert memory.free() == 30


def test_this_machine_has_free_memory():
    assert memory.free() > 1 << 20
