"""How a mapped file is read: whole, where it fits into memory, otherwise only what is asked for."""

import mmap
from pathlib import Path
from typing import Any

SHARE = 0.5
"""A file that takes less than this share of the memory that is free is read ahead as a whole."""

CGROUPS = "/sys/fs/cgroup"


def advise(mapped: Any) -> None:
    """Tell the system how a mapped file will be read.

    Rows are asked for in random order. By default each brings its neighbours along, which is what one wants while everything fits. Where
    it does not, the neighbours push out what is needed: reading 3 kB rows of a file three times as large as the memory went at 100 rows a
    second, and at 5,500 without neighbours.
    """
    pages = getattr(mapped, "_mmap", None)
    if pages is not None:
        pages.madvise(mmap.MADV_WILLNEED if mapped.nbytes < SHARE * free() else mmap.MADV_RANDOM)


def free() -> int:
    """Bytes of memory that this process may still take, by the machine's account and its container's limit."""
    lines = _read("/proc/meminfo").splitlines()
    stated = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    limits = [int(text) for path in _limits() if (text := _read(path).strip()).isdigit()]
    return min([*stated, *limits], default=0)


def _limits() -> list[str]:
    """Files that may state a limit: of the whole container and of this process' own group, under cgroups 2 and 1."""
    groups = [line.split(":", 2)[1:] for line in _read("/proc/self/cgroup").splitlines()]
    version2 = [f"{CGROUPS}{place.rstrip('/')}/memory.max" for kind, place in groups if not kind]
    version1 = [f"{CGROUPS}/memory{place.rstrip('/')}/memory.limit_in_bytes" for kind, place in groups if kind == "memory"]
    return [f"{CGROUPS}/memory.max", f"{CGROUPS}/memory/memory.limit_in_bytes", *version2, *version1]


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
