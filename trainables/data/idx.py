"""IDX files, plain or gzipped: the format of MNIST, Fashion-MNIST, KMNIST and EMNIST."""

import gzip
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainables.data.binary import Readable, exactly, some
from trainables.data.raw import Blocks, OnDisk, Raw

BYTES = 0x08
"""The type code of unsigned bytes, the only one that is read."""

ROWS = 4096
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def idx(path: str) -> OnDisk:
    """A folder with train-images-idx3-ubyte, train-labels-idx1-ubyte and, for a test part, the t10k files, each plain or with .gz.

    Raises:
        ValueError: If the folder or a file is missing.
    """
    return in_folder(Path(path), "idx", classes=None)


def in_folder(root: Path, name: str, classes: tuple[str, ...] | None) -> OnDisk:
    """The data set in a folder; `classes` names its classes, which are otherwise the numbers found."""
    parts = {part: (_found(root, images), _found(root, labels)) for part, (images, labels) in FILES.items()}
    missing = [name for name, path in zip(FILES["train"], parts["train"], strict=True) if path is None]
    if missing:
        raise ValueError(f"{root} must hold {missing[0]} or {missing[0]}.gz, it does not")
    pairs = {part: (images, labels) for part, (images, labels) in parts.items() if images and labels}
    files = tuple(path for pair in pairs.values() for path in pair)
    return OnDisk(files, root, f"{name} idx 1", lambda: _read(pairs, classes))


def _found(root: Path, name: str) -> Path | None:
    return next((path for path in (root / f"{name}.gz", root / name) if path.is_file()), None)


def _read(pairs: dict[str, tuple[Path, Path]], classes: tuple[str, ...] | None) -> Raw:
    x, y = _part(*pairs["train"])
    classes = classes or tuple(str(label) for label in range(int(y.max()) + 1))
    test = Raw(*_part(*pairs["test"]), classes) if "test" in pairs else None
    return Raw(x, y, classes, test=test)


def _part(images: Path, labels: Path) -> tuple[Blocks, NDArray[np.int64]]:
    with _open(labels) as file:
        (count,) = _head(file, labels, 1)
        y = np.frombuffer(exactly(file, count, str(labels), 8), np.uint8).astype(np.int64)
        _ended(file, labels, 8 + count)
    with _open(images) as file:
        number, height, width = _head(file, images, 3)
    if number != count:
        raise ValueError(f"{images} has {number} pictures by its header at offset 4, {labels} has {count} labels; they must be as many")
    return Blocks((number, 1, height, width), np.dtype(np.uint8), lambda: _blocks(images, number, height, width)), y


def _blocks(path: Path, number: int, height: int, width: int) -> Iterator[NDArray[np.uint8]]:
    offset, size = 16, height * width
    with _open(path) as file:
        _head(file, path, 3)
        for start in range(0, number, ROWS):
            rows = min(ROWS, number - start)
            yield np.frombuffer(exactly(file, rows * size, str(path), offset), np.uint8).reshape(rows, 1, height, width)
            offset += rows * size
        _ended(file, path, offset)


def _head(file: Readable, path: Path, dimensions: int) -> tuple[int, ...]:
    magic = exactly(file, 4, str(path), 0)
    if magic != bytes([0, 0, BYTES, dimensions]):
        wanted = f"00 00 08 {dimensions:02x}"
        raise ValueError(f"{path} must begin with {wanted} (IDX, bytes, {dimensions} dimensions), found {magic.hex(' ')} at offset 0")
    sizes = np.frombuffer(exactly(file, 4 * dimensions, str(path), 4), ">u4")
    if 0 in sizes:
        raise ValueError(f"{path} must have no dimension of length 0, found {sizes.tolist()} at offset 4")
    return tuple(int(size) for size in sizes)


def _open(path: Path) -> AbstractContextManager[Readable]:
    with path.open("rb") as file:
        gzipped = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if gzipped else path.open("rb")


def _ended(file: Readable, path: Path, offset: int) -> None:
    if some(file, 1, str(path), offset):  # reading on also lets gzip check its sum
        raise ValueError(f"{path} must end at offset {offset} by its header, more follows; it is not the file it says it is")
