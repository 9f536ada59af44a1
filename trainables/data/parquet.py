"""Parquet with a column of encoded pictures and a column of labels: how the public hubs keep picture data sets."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainables.data import pillow
from trainables.data.binary import begins, head
from trainables.data.labels import numbered
from trainables.data.raw import Blocks, OnDisk, Raw

ROWS = 256
MAGIC = b"PAR1"
"""First and last bytes of a Parquet file."""

PARTS = {"train": ("train",), "selection": ("validation", "valid", "val", "dev"), "test": ("test",)}


def parquet(path: str, image: str = "image", label: str = "label", group: str | None = None, size: int | None = None) -> OnDisk:
    """One Parquet file, or a folder (searched below) of files whose names begin with train, validation or test.

    Args:
        path: The file or the folder.
        image: Column of encoded pictures: bytes, or a struct with a field `bytes`.
        label: Column of labels: whole numbers or text. Class names are taken from the file's metadata where the hub left them.
        group: Column of groups, if any.
        size: Side in pixels that all pictures are resized to; without it they must be of one size.

    Raises:
        ValueError: If there is no such file.
    """
    root = Path(path)
    files = sorted(root.rglob("*.parquet")) if root.is_dir() else [root] if root.is_file() else []
    if not files:
        raise ValueError(f"{root} must be a Parquet file or a folder that holds some, it is not")
    parts = {part: [file for file in files if file.name.lower().startswith(names)] for part, names in PARTS.items()}
    if not parts["train"]:
        parts = {"train": files, "selection": [], "test": []}
    used = {part: found for part, found in parts.items() if found}
    options = f"parquet 1 {json.dumps([image, label, group, size])}"
    base = root if root.is_dir() else root.parent
    return OnDisk(tuple(file for found in used.values() for file in found), base, options, lambda: _read(used, image, label, group, size))


def _read(parts: dict[str, list[Path]], image: str, label: str, group: str | None, size: int | None) -> Raw:
    where = str(parts["train"][0])
    y, classes = numbered({part: _column(files, label) for part, files in parts.items()}, _class_names(parts["train"][0], label), where)
    grouped, groups = (
        ({}, ("all",)) if group is None else numbered({part: _column(files, group) for part, files in parts.items()}, None, where)
    )
    heads = [(at, pillow.header(content, at)) for files in parts.values() for at, content in _pictures(files, image)]
    grey, shape = pillow.common(heads, size)

    def part(name: str, files: list[Path]) -> Raw:
        blocks = Blocks((len(y[name]), 1 if grey else 3, *shape), np.dtype(np.uint8), lambda: _blocks(files, image, grey, shape))
        return Raw(blocks, y[name], classes, grouped.get(name), groups)

    made = {name: part(name, files) for name, files in parts.items()}
    train = made["train"]
    return Raw(train.x, train.y, classes, train.group, groups, made.get("test"), made.get("selection"))


def _blocks(files: list[Path], image: str, grey: bool, size: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
    gathered: list[NDArray[np.uint8]] = []
    for at, content in _pictures(files, image):
        gathered.append(pillow.decoded(content, at, grey=grey, size=size))
        if len(gathered) == ROWS:
            yield np.stack(gathered)
            gathered = []
    if gathered:
        yield np.stack(gathered)


def _pictures(files: list[Path], column: str) -> Iterator[tuple[str, bytes]]:
    """Every picture's bytes, with its file and row."""
    for path in files:
        row = 0
        for batch in _batches(path, column):
            for value in batch.to_pylist():
                content = value.get("bytes") if isinstance(value, dict) else value
                if not isinstance(content, bytes):
                    raise ValueError(f"{path}, row {row}: {column} must hold an encoded picture, got {type(content).__name__}")
                yield f"{path}, row {row}", content
                row += 1


def _column(files: list[Path], name: str) -> NDArray[Any]:
    values = [value for path in files for batch in _batches(path, name) for value in batch.to_pylist()]
    kinds = {type(value) for value in values}
    if kinds not in ({int}, {str}):
        raise ValueError(f"{files[0]}: {name} must hold whole numbers or text throughout, got {sorted(kind.__name__ for kind in kinds)}")
    return np.array(values)


def _batches(path: Path, column: str) -> Iterator[Any]:
    """The column's values some rows at a time, as pyarrow arrays."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = 0
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if column not in names:
                raise ValueError(f"{path} must have a column {column!r}, it has {names}; name yours in the study file")
            for batch in file.iter_batches(ROWS, columns=[column]):
                yield batch.column(0)
                rows += len(batch)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(
            f"{path} is no readable Parquet file ({path.stat().st_size} bytes): {_fault(path, column, rows)}: {error}; fetch it again"
        ) from error


def _fault(path: Path, column: str, row: int) -> str:
    """What is wrong with a file of which pyarrow reads a column up to a row, and at which offset."""
    first, size = head(path), path.stat().st_size
    if not first.startswith(MAGIC):
        return f"{begins(first)}, not with {MAGIC.hex(' ')} (PAR1)"
    with path.open("rb") as file:
        last = os.pread(file.fileno(), len(MAGIC), max(0, size - len(MAGIC)))
    if last != MAGIC:
        return (
            f"it is truncated or corrupt, for at its end, offset {size - len(MAGIC)}, it has {last.hex(' ')}, not {MAGIC.hex(' ')} (PAR1)"
        )
    return _corrupt(path, column, row)


def _corrupt(path: Path, column: str, row: int) -> str:
    """Where the footer, or the part of the column that holds a row, begins in a file that ends as it should."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        told, before = pq.read_metadata(path), 0
    except (pa.ArrowException, OSError):
        return "it is corrupt from its footer on, whose length stands 8 bytes before its end, at offset " + str(path.stat().st_size - 8)
    for number in range(told.num_row_groups):
        group = told.row_group(number)
        if row < before + group.num_rows:
            parts = [part for part in map(group.column, range(group.num_columns)) if part.path_in_schema.split(".")[0] == column]
            starts = [part.dictionary_page_offset or part.data_page_offset for part in parts]
            return f"{column} is corrupt in row {row} or one of the next {ROWS}, which lie from offset {min(starts, default=0)} on"
        before += group.num_rows
    return "it is corrupt"


def _class_names(path: Path, label: str) -> list[str] | None:
    """The names that the hub's `datasets` library leaves in the metadata of a file with class labels."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(path).metadata or {}
        names = json.loads(metadata[b"huggingface"])["info"]["features"][label]["names"]
        return [str(name) for name in names]
    except (pa.ArrowException, KeyError, TypeError, ValueError):
        return None
