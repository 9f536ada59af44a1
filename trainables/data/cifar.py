"""CIFAR-10 and CIFAR-100 in their binary version: records of label bytes and 3,072 picture bytes, no pickle."""

import io
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainables.data.binary import BROKEN, Readable, begins, head, some
from trainables.data.raw import Blocks, OnDisk, Raw

SHAPE = (3, 32, 32)
PIXELS = 3072
ROWS = 2500


Opened = Callable[[str], AbstractContextManager[Readable]]
"""A file of the version by its name, open."""


class Layout(NamedTuple):
    """Where the parts of a version lie: folder in the archive, files, label bytes a record, which of them counts, file of class names."""

    folder: str
    train: tuple[str, ...]
    test: str
    labels: int
    label: int
    names: str
    classes: int


CIFAR10 = Layout("cifar-10-batches-bin", tuple(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin", 1, 0, "batches.meta.txt", 10)
CIFAR100 = Layout("cifar-100-binary", ("train.bin",), "test.bin", 2, 1, "fine_label_names.txt", 100)
CIFAR20 = CIFAR100._replace(label=0, names="coarse_label_names.txt", classes=20)


def at(path: Path, layout: Layout) -> OnDisk:
    """The data set in the archive (.tar.gz) as it is published, or in the folder that it unpacks to.

    Raises:
        ValueError: If a file is missing.
    """
    if path.is_dir():
        inner = path / layout.folder if (path / layout.folder).is_dir() else path
        files = tuple(inner / name for name in (*layout.train, layout.test, layout.names))
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            raise ValueError(f"{inner} must hold {', '.join(missing)}; it is not the binary version of CIFAR")
        return OnDisk(files, inner, f"{layout.names} cifar 2", lambda: _read(lambda name: (inner / name).open("rb"), str(inner), layout))
    if not path.is_file():
        raise ValueError(f"{path} must be the folder {layout.folder} or the archive it comes in, it does not exist")
    return OnDisk((path,), path.parent, f"{layout.names} cifar archive 2", lambda: _unpacked(path, layout))


def _unpacked(path: Path, layout: Layout) -> Raw:
    @contextmanager
    def opened(name: str) -> Iterator[Readable]:
        try:
            with tarfile.open(path) as archive, archive.extractfile(f"{layout.folder}/{name}") or io.BytesIO() as found:
                yield found
        except KeyError as error:
            raise ValueError(f"{path} must hold {layout.folder}/{name}, it does not; it is not the binary version of CIFAR") from error
        except (EOFError, OSError, *BROKEN) as error:
            found = f"{path.stat().st_size} bytes; {begins(head(path))}"
            raise ValueError(f"{path} is no readable archive ({found}): {error}; fetch it again") from error

    return _read(opened, str(path), layout)


def _read(opened: Opened, where: str, layout: Layout) -> Raw:
    with opened(layout.names) as file:
        names = tuple(line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip())
    if len(names) != layout.classes:
        raise ValueError(f"{where}/{layout.names} must name {layout.classes} classes, one a line, found {len(names)}")

    def part(files: tuple[str, ...]) -> Raw:
        held = {file: np.concatenate([labels for labels, _ in _records(opened, where, file, layout)]) for file in files}
        counts = {file: len(labels) for file, labels in held.items()}
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{count} in {file}" for file, count in counts.items())
            raise ValueError(f"{where}: every training file must hold as many records as the others, found {told}; fetch the set again")
        y = np.concatenate(list(held.values()))
        blocks = Blocks(
            (len(y), *SHAPE), np.dtype(np.uint8), lambda: (x for file in files for _, x in _records(opened, where, file, layout))
        )
        return Raw(blocks, y, names)

    train, test = part(layout.train), part((layout.test,))
    return Raw(train.x, train.y, names, test=test)


def _records(opened: Opened, where: str, name: str, layout: Layout) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
    """Labels (n,) and pictures (n, 3, 32, 32) of one file, some at a time."""
    size, offset = layout.labels + PIXELS, 0
    with opened(name) as file:
        while content := some(file, ROWS * size, f"{where}/{name}", offset):
            whole = len(content) // size
            if len(content) % size:
                left = len(content) % size
                raise ValueError(
                    f"{where}/{name} is truncated: the record at offset {offset + whole * size} has {left} of {size} bytes; fetch it again"
                )
            records = np.frombuffer(content, np.uint8).reshape(whole, size)
            labels = records[:, layout.label].astype(np.int64)
            wrong = np.flatnonzero(labels >= layout.classes)
            if len(wrong):
                place = offset + int(wrong[0]) * size + layout.label
                raise ValueError(f"{where}/{name} must have labels below {layout.classes}, found {labels[wrong[0]]} at offset {place}")
            yield labels, records[:, layout.labels :].reshape(whole, *SHAPE)
            offset += len(content)
    if offset == 0:
        raise ValueError(f"{where}/{name} must hold records of {size} bytes, it is empty, it ends at offset 0; fetch it again")
