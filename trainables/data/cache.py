"""Data sets decoded once and memory-mapped: a folder an entry, named by what is in it, shared by every process of a machine.

An entry is written beside its place and renamed into it, so that whoever looks sees a whole entry or none; a lock keeps processes that want
the same entry from decoding it twice. The name is the digest of the files' content and of the reader's options: changed files are another
entry, moved or copied ones the same. The folder is $ALTIPLANO_CACHE, or altiplano below the user's cache folder.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from trainables.data import memory
from trainables.data.raw import Blocks, OnDisk, Raw, checked

VERSION = 1
"""Part of every entry's name: raised whenever entries are written otherwise."""

CHUNK = 1 << 20
ABANDONED = 86_400
"""Seconds without a change after which an attempt at an entry counts as given up."""


def folder() -> Path:
    """Where everything that is kept between runs lies."""
    below = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("ALTIPLANO_CACHE") or Path(below) / "altiplano")


def opened(source: OnDisk) -> tuple[Raw, str]:
    """The data set, memory-mapped and decoded first where it is not in the cache yet, and its name there.

    Raises:
        ValueError: If the files cannot be read, or the cache cannot be written.
    """
    name = _digest_of(VERSION, source.reader, _content(source))
    return stored(name, lambda: checked(source.read(), source.where)), name


def derived(name: str, *parts: str | int | bytes) -> str:
    """The name of an entry made from the entry `name` and from `parts`."""
    return _digest_of(name, *parts)


def stored(name: str, make: Any) -> Raw:
    """The entry of this name, memory-mapped; `make` is called for what it shall hold where there is none."""
    place = folder() / "decoded" / name
    found = _mapped(place)
    if found is None:
        with _locked(place):
            found = _mapped(place)  # another process may have made it while this one waited
            if found is None:
                _write(place, make())
                found = _mapped(place)
    if found is None:
        raise ValueError(f"{place} must be readable once written, it is not; is the disk failing or another program deleting it?")
    return found


def _write(place: Path, raw: Raw) -> None:
    _need_room(place.parent, sum(int(np.prod(part.x.shape)) * np.dtype(part.x.dtype).itemsize for part in raw.parts.values()))
    _clear(place)
    aside = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name[:12]}-"))
    try:
        parts = {name: _write_part(aside, name, part) for name, part in raw.parts.items()}
        (aside / "data.json").write_text(json.dumps({"classes": raw.classes, "groups": raw.groups, "parts": parts}))
        if place.exists():
            shutil.rmtree(place)  # torn, or it would have been mapped
        aside.rename(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _clear(place: Path) -> None:
    """Remove what processes that were killed left of their attempts at this entry."""
    for left in place.parent.glob(f".{place.name[:12]}-*"):
        if time.time() - left.stat().st_mtime > ABANDONED:
            shutil.rmtree(left, ignore_errors=True)


def _write_part(place: Path, name: str, part: Raw) -> dict[str, Any]:
    blocks = part.x.read() if isinstance(part.x, Blocks) else iter([part.x])
    rows = 0
    with (place / f"{name}.x").open("wb") as file:
        for block in blocks:
            file.write(np.ascontiguousarray(block, part.x.dtype).data)
            rows += len(block)
    if rows != part.x.shape[0]:
        raise ValueError(f"the {name} part must have the {part.x.shape[0]} examples it announced, {rows} were read")
    np.save(place / f"{name}.y.npy", part.y)
    if part.group is not None:
        np.save(place / f"{name}.group.npy", part.group)
    return {"shape": part.x.shape, "dtype": str(np.dtype(part.x.dtype))}


def _mapped(place: Path) -> Raw | None:
    """The entry, or None if there is none or it is not whole."""
    try:
        head = json.loads((place / "data.json").read_text())
        parts = {name: _mapped_part(place, name, part, head) for name, part in head["parts"].items()}
    except (OSError, ValueError, KeyError):
        return None
    train = parts["train"]
    return Raw(train.x, train.y, train.classes, train.group, train.groups, parts.get("test"), parts.get("selection"))


def _mapped_part(place: Path, name: str, part: dict[str, Any], head: dict[str, Any]) -> Raw:
    shape, dtype = tuple(part["shape"]), np.dtype(part["dtype"])
    path = place / f"{name}.x"
    if path.stat().st_size != int(np.prod(shape)) * dtype.itemsize:
        raise ValueError(f"{path} is torn")
    x = np.memmap(path, dtype, mode="c", shape=shape)  # private and writable, as torch wants it; nothing writes
    memory.advise(x)
    group = place / f"{name}.group.npy"
    return Raw(
        x, np.load(place / f"{name}.y.npy"), tuple(head["classes"]), np.load(group) if group.exists() else None, tuple(head["groups"])
    )


def _content(source: OnDisk) -> str:
    """Digest of the files' names and content; kept by their sizes and times, so that it is taken once."""
    stats = [(str(path.relative_to(source.root)), path, path.stat()) for path in sorted(source.files)]
    known = folder() / "digests" / _digest_of(*(f"{path}:{stat.st_ino}:{stat.st_size}:{stat.st_mtime_ns}" for _, path, stat in stats))
    if known.exists() and len(known.read_text()) == hashlib.sha256().digest_size * 2:
        return known.read_text()
    digest = _digest_of(*(part for name, path, _ in stats for part in (name, _file_digest(path))))
    _writable(known.parent)
    with tempfile.NamedTemporaryFile("w", dir=known.parent, delete=False) as file:
        file.write(digest)
    Path(file.name).replace(known)
    return digest


def _file_digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _digest_of(*parts: str | int | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else str(part).encode()
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """One process at a time where the file system has locks; elsewhere the renaming alone keeps entries whole."""
    _writable(place.parent)
    with (place.parent / f".{place.name}.lock").open("w") as file:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _writable(place: Path) -> None:
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"the cache {place} must be writable: {error.strerror}; name another folder in ALTIPLANO_CACHE") from error
    if not os.access(place, os.W_OK):
        raise ValueError(f"the cache {place} must be writable, it is not; name another folder in ALTIPLANO_CACHE")


def _need_room(place: Path, size: int) -> None:
    free = shutil.disk_usage(place).free
    if size > free:
        raise ValueError(f"the cache {place} needs {size:,} bytes for this data set, {free:,} are free; make room or set ALTIPLANO_CACHE")
