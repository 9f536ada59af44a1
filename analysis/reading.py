"""Reading a study's home: the numbers of its members, and per-example results file by file so that memory stays small.

A home is a local folder or any URL that fsspec opens. Only the columns that are needed are read.
"""

import io
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray

from trainables.evidence import VERSION, read_truth
from trainables.scores import Truth

SCALARS = ["method", "configuration", "seed", "status", "epochs", "accuracy", "tail", "loss", "seconds", "device", "knobs"]
WORDS = ["method", "status", "device", "knobs"]


@dataclass(frozen=True)
class Home:
    """Where a study lies: a file system, the study's folder in it, and the address that the user gave."""

    system: Any
    root: str
    address: str

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        protocol = self.system.protocol
        return "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    def path(self, *parts: str) -> str:
        """The path of something in the folder."""
        return "/".join([self.root, *parts])

    def exists(self, *parts: str) -> bool:
        """Whether the folder holds it."""
        return bool(self.system.exists(self.path(*parts)))

    def text(self, *parts: str) -> str | None:
        """The text of a file, or None where it is missing."""
        if not self.exists(*parts):
            return None
        with self.system.open(self.path(*parts), "rb") as file:
            return file.read().decode()

    def files(self, folder: str, ending: str) -> list[str]:
        """The sorted paths of a folder's files that end so."""
        if not self.exists(folder):
            return []
        return sorted(path for path in self.system.ls(self.path(folder), detail=False) if path.endswith(ending))


def home_at(address: str) -> Home:
    """The home at a path or URL.

    Raises:
        ValueError: If nothing is there.
    """
    system, root = fsspec.core.url_to_fs(str(address))
    home = Home(system, root.rstrip("/"), str(address))
    if not system.exists(root):
        raise ValueError(f"a study's folder must exist, found nothing at {address}; give the folder that holds study.yaml and evidence/")
    return home


def intent(home: Home) -> dict[str, Any]:
    """The study as launched, as plain values; empty where study.yaml is missing.

    Raises:
        ValueError: If the file is no YAML mapping.
    """
    text = home.text("study.yaml")
    if text is None:
        return {}
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{home.path('study.yaml')} must be YAML, but: {error}; restore the file that launch wrote") from error
    if not isinstance(found, dict):
        raise ValueError(
            f"{home.path('study.yaml')} must hold keys and values, got {type(found).__name__}; restore the file that launch wrote"
        )
    return found


def environment(home: Home) -> dict[str, Any]:
    """What the study ran on, as launch recorded it; empty where the file is missing or broken."""
    try:
        found = json.loads(home.text("environment.json") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def truth(home: Home, split: str) -> tuple[Truth, list[str], NDArray[np.uint8]] | None:
    """Labels, class names and pictures of a split, or None where the study has not left them."""
    if not home.exists("splits", f"{split}.npz"):
        return None
    with home.system.open(home.path("splits", f"{split}.npz"), "rb") as file:
        return read_truth(io.BytesIO(file.read()))


def scalars(home: Home, folder: str) -> tuple[pd.DataFrame, list[str], list[str]]:
    """One row a member of all evidence files: (frame, paths read, notes about files that could not be).

    The frame adds `file` and `row`, where a member stands, for reading its per-example results later.
    """
    parts, paths, notes = [], [], []
    for path in home.files(folder, ".parquet"):
        try:
            part = _columns(home, path, SCALARS)
        except (OSError, pa.ArrowException, ValueError) as error:
            notes.append(f"{path.rsplit('/', 1)[-1]} was passed over: {str(error).splitlines()[0]}")
            continue
        place = pa.array(np.full(len(part), len(paths), np.int32)), pa.array(np.arange(len(part), dtype=np.int32))
        parts.append(part.append_column("file", place[0]).append_column("row", place[1]))
        paths.append(path)
    if not parts:
        return pd.DataFrame(columns=[*SCALARS, "file", "row"]), paths, notes
    return pa.concat_tables(parts).unify_dictionaries().to_pandas(), paths, notes


def _columns(home: Home, path: str, names: Sequence[str]) -> pa.Table:
    source = path if home.is_local else home.system.open(path, "rb")
    with pq.ParquetFile(source, read_dictionary=[name for name in names if name in WORDS]) as file:
        found = (file.schema_arrow.metadata or {}).get(b"altiplano-evidence", b"none").decode()
        if found != str(VERSION):
            raise ValueError(f"it must be an evidence file of version {VERSION}, found version {found}")
        return file.read(columns=list(names), use_threads=False).replace_schema_metadata()


def rows_of(home: Home, path: str, column: str) -> NDArray[Any]:
    """A per-example column of one file as (members, N). Members of one split have one N."""
    found = _columns(home, path, [column]).column(column).combine_chunks()
    values = found.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(found), -1)


def curves_of(home: Home, path: str, rows: Sequence[int]) -> list[dict[str, NDArray[np.float32]]]:
    """The curves of some members of one file."""
    column = _columns(home, path, ["curves"]).column("curves").combine_chunks().take(pa.array(rows, pa.int32()))
    names, curves = column.keys.to_pylist(), column.items
    values, ends = curves.values.to_numpy(zero_copy_only=False), curves.offsets.to_numpy()  # noqa: PD011  an arrow array
    found = []
    for start, end in itertools.pairwise(column.offsets.to_pylist()):
        found.append({names[place]: values[ends[place] : ends[place + 1]] for place in range(start, end)})
    return found


def together(members: pd.DataFrame) -> Iterator[tuple[tuple[int, ...], pd.DataFrame]]:
    """Members in blocks whose configurations lie in the same files: ((file numbers), block).

    A group holds all seeds of its configurations, so that a block is mostly one file; seeds added by a later launch make blocks of two.
    """
    first = members.groupby("key", sort=False)["file"].agg(["min", "max"])
    low, high = first["min"].reindex(members["key"]).to_numpy(), first["max"].reindex(members["key"]).to_numpy()
    for _, block in members.groupby([low, high], sort=True):
        yield tuple(np.unique(block["file"].to_numpy()).tolist()), block
