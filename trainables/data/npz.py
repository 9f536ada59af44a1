"""NPZ files: arrays of one's own, Keras' layout (x_train, y_train, x_test, y_test) and MedMNIST's (train_images, train_labels, ...)."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainables.data.binary import BROKEN, begins, exactly, head
from trainables.data.labels import numbered
from trainables.data.raw import Blocks, OnDisk, Raw, as_floats

ROWS = 1024
ZIP = b"PK\x03\x04"
"""First bytes of an NPZ file, which is a zip archive."""

NAMES = {
    "train": ("x", "x_train", "train_images"),
    "selection": ("x_val", "val_images", "x_selection"),
    "test": ("x_test", "test_images"),
}
CHANNELS = (1, 3)


class Names(NamedTuple):
    """What one part's arrays are called."""

    x: str
    y: str
    group: str


class Header(NamedTuple):
    """Shape and type of one array, as its first bytes say."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]


def npz(path: str) -> OnDisk:
    """Arrays x (N, ...) and y (N,); x_test, y_test, x_val, y_val where there are such parts; `group`, group_test and so on beside them.

    `x` may also be called x_train or train_images, the others as in MedMNIST. Pictures are bytes (N, H, W) or (N, H, W, channels) or
    (N, channels, H, W); anything else is floats. Labels are whole numbers or text; `classes` may name them in their order.

    Raises:
        ValueError: If there is no such file.
    """
    if not Path(path).is_file():
        raise ValueError(f"{path} must be an NPZ file, it does not exist")
    return OnDisk((Path(path),), Path(path).parent, "npz 2", lambda: _read(Path(path)))


def _read(path: Path) -> Raw:
    try:
        with zipfile.ZipFile(path) as archive:
            held = {name.removesuffix(".npy"): _header(archive, name, path) for name in archive.namelist() if name.endswith(".npy")}
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is no NPZ file ({path.stat().st_size} bytes): {_not_zip(path)}; write or fetch it again") from error
    found = {part: names for part in NAMES if (names := _names(part, held))}
    if "train" not in found:
        raise ValueError(f"{path} must hold x and y (or x_train and y_train, or train_images and train_labels), it holds {sorted(held)}")
    labels = {part: _labels(path, names.y, held) for part, names in found.items()}
    given = [str(name) for name in _whole(path, "classes")] if "classes" in held else None
    y, classes = numbered(labels, given, str(path))
    group, groups = _groups(path, found, held)
    parts = {part: Raw(_inputs(path, names.x, held), y[part], classes, group.get(part), groups) for part, names in found.items()}
    train = parts["train"]
    return Raw(train.x, train.y, classes, train.group, groups, parts.get("test"), parts.get("selection"))


def _not_zip(path: Path) -> str:
    """Why zipfile finds no archive: what is not there, and at which offset."""
    first = head(path)
    if not first.startswith(ZIP):
        return f"{begins(first)}, not with {ZIP.hex(' ')}"
    return f"it is truncated or corrupt, for at its end, offset {path.stat().st_size}, there is no list of its arrays"


def _names(part: str, held: dict[str, Header]) -> Names | None:
    for x in NAMES[part]:
        y = x.replace("images", "labels") if "images" in x else x.replace("x", "y", 1)
        if x in held and y in held:
            return Names(x, y, x.replace("images", "groups") if "images" in x else x.replace("x", "group", 1))
    return None


def _labels(path: Path, name: str, held: dict[str, Header]) -> NDArray[Any]:
    shape, _, dtype = held[name]
    if dtype.kind not in "iuU" or not (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)):
        raise ValueError(f"{path}: {name} must be one whole number or text for each example, got {dtype} of shape {shape}")
    return _whole(path, name).reshape(-1)


def _groups(path: Path, found: dict[str, Names], held: dict[str, Header]) -> tuple[dict[str, NDArray[np.int64]], tuple[str, ...]]:
    named = {part: names.group for part, names in found.items() if names.group in held}
    if not named:
        return {}, ("all",)
    if len(named) < len(found):
        raise ValueError(f"{path} must have groups for all parts or for none, it has {sorted(named.values())} for {sorted(found)}")
    group, groups = numbered({part: _labels(path, name, held) for part, name in named.items()}, None, str(path))
    return group, groups


def _inputs(path: Path, name: str, held: dict[str, Header]) -> Blocks:
    header = held[name]
    if header.dtype.kind not in "fu" or (header.dtype.kind == "u" and header.dtype != np.uint8):
        raise ValueError(f"{path}: {name} must be bytes (uint8) or floats, got {header.dtype}; convert it")
    dtype = np.dtype(np.uint8 if header.dtype == np.uint8 else np.float32)
    one = np.empty((0, *header.shape[1:]), dtype)
    return Blocks((header.shape[0], *_channels_first(one).shape[1:]), dtype, lambda: _blocks(path, name, header, dtype))


def _channels_first(x: NDArray[Any]) -> NDArray[Any]:
    if x.ndim == 3 and x.dtype == np.uint8:
        return x[:, None]
    if x.ndim == 4 and x.shape[3] in CHANNELS:
        return np.moveaxis(x, 3, 1)
    return x


def _blocks(path: Path, name: str, header: Header, dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    if header.fortran:
        yield _cast(_channels_first(_whole(path, name)), dtype, path, name, 0)
        return
    width = int(np.prod(header.shape[1:])) * header.dtype.itemsize
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
        offset = _skip_header(file)
        for start in range(0, header.shape[0], ROWS):
            rows = min(ROWS, header.shape[0] - start)
            content = exactly(file, rows * width, f"{path}: {name}.npy", offset)
            found = np.frombuffer(content, header.dtype).reshape(rows, *header.shape[1:])
            yield _cast(_channels_first(found), dtype, path, name, start)
            offset += len(content)


def _cast(x: NDArray[Any], dtype: np.dtype[Any], path: Path, name: str, first: int) -> NDArray[Any]:
    return x.astype(dtype) if dtype == np.uint8 else as_floats(x, f"{path}: {name}", first)


def _header(archive: zipfile.ZipFile, name: str, path: Path) -> Header:
    try:
        with archive.open(name) as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(file)
    except (ValueError, EOFError, *BROKEN) as error:
        raise ValueError(f"{path}: {name} must be an array in NPY format, its header at offset 0 is not: {error}") from error
    if dtype.hasobject:
        raise ValueError(f"{path}: {name} holds Python objects, which are not read; save it as an array of numbers or text")
    return Header(shape, fortran, dtype)


def _skip_header(file: Any) -> int:
    version = np.lib.format.read_magic(file)
    (np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0)(file)
    return file.tell()


def _whole(path: Path, name: str) -> NDArray[Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return archive[name]
    except (ValueError, EOFError, *BROKEN) as error:
        raise ValueError(
            f"{path}: {name}.npy, from offset {_start(path, name)} of the file, is truncated or corrupt: {error}; write or fetch it again"
        ) from error


def _start(path: Path, name: str) -> int:
    """Where in the file an array's entry begins."""
    with zipfile.ZipFile(path) as archive:
        return archive.getinfo(f"{name}.npy").header_offset
