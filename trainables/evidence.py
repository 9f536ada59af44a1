"""Evidence: what finished members leave, one Parquet file a group, and the truth it is scored against.

A file holds one row a member. The worker writes it whole before anybody tells the ledger an outcome; it is never changed
afterwards. pyarrow is imported where files are read or written, so that training needs torch and numpy alone.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainables.scores import Truth

VERSION = 1

FAULTS = "faults.jsonl"
"""File in a study's home of training that faults of workers threw away, a line each: group, method, seconds. The driver writes it."""

COMPLETE, PRUNED, DIVERGED, COLLAPSED = "complete", "pruned", "diverged", "collapsed"
"""A member's status: trained to the last epoch; stopped at a rung; weights or losses no longer finite; all embeddings about the same."""

FAILED = (DIVERGED, COLLAPSED)
"""Statuses of members that count at chance level."""


@dataclass(frozen=True)
class Evidence:
    """What one member leaves.

    Attributes:
        study, method: Their names.
        configuration: The configuration's number in the method's Optuna study.
        seed: Seed of the member.
        group: Name of the group it was trained in.
        status: COMPLETE, PRUNED, DIVERGED or COLLAPSED.
        epochs: Epochs trained.
        split: The split scored: "selection" or "test".
        knobs: Every number of the configuration by name, searched or fixed, training numbers (lr, ...) among them.
        accuracy, tail: Scores on the split at the last epoch, in [0, 1].
        loss: Mean cross-entropy on the split.
        seconds: The member's share of the group's training time.
        device: What it was trained on.
        curves: Per-epoch figures by name, each (epochs,); nan where a figure was not taken in that epoch.
        losses: Cross-entropy of each example of the split, (N,).
        predictions: Predicted class of each example, (N,); -1 throughout for one that failed.
    """

    study: str
    method: str
    configuration: int
    seed: int
    group: str
    status: str
    epochs: int
    split: str
    knobs: dict[str, float]
    accuracy: float
    tail: float
    loss: float
    seconds: float
    device: str
    losses: NDArray[np.float32]
    predictions: NDArray[np.int16]
    curves: dict[str, NDArray[np.float32]] = field(default_factory=dict)


def schema() -> Any:
    """The Parquet schema of an evidence file (a `pyarrow.Schema`)."""
    import pyarrow as pa

    text, real = pa.string(), pa.float64()
    columns: list[tuple[str, Any]] = [
        ("study", text),
        ("method", text),
        ("configuration", pa.int32()),
        ("seed", pa.int32()),
        ("group", text),
        ("status", text),
        ("epochs", pa.int32()),
        ("split", text),
        ("knobs", text),
        ("accuracy", real),
        ("tail", real),
        ("loss", real),
        ("seconds", real),
        ("device", text),
        ("curves", pa.map_(text, pa.list_(pa.float32()))),
        ("losses", pa.list_(pa.float32())),
        ("predictions", pa.list_(pa.int16())),
    ]
    return pa.schema(columns, metadata={"altiplano-evidence": str(VERSION)})


def write(members: Sequence[Evidence], target: str | io.BufferedIOBase) -> None:
    """Write the members of one group as one Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {**vars(member), "knobs": json.dumps(member.knobs, sort_keys=True), "curves": list(member.curves.items())} for member in members
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema()), target, compression="zstd")


def to_bytes(members: Sequence[Evidence]) -> bytes:
    """The same file as bytes, for a home that swaps files in whole."""
    buffer = io.BytesIO()
    write(members, buffer)
    return buffer.getvalue()


def read(source: str | io.BufferedIOBase) -> list[Evidence]:
    """The members of one evidence file.

    Raises:
        ValueError: If the file is no evidence file of a version that this program reads.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(source)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(
            f"{source} is not a readable evidence file: {error}; move it away and resume, its group is trained again"
        ) from error
    found = (table.schema.metadata or {}).get(b"altiplano-evidence", b"none").decode()
    if found != str(VERSION):
        raise ValueError(
            f"{source} must be an evidence file of version {VERSION}, found version {found}; read it with the program that wrote it"
        )
    return [_member(row) for row in table.to_pylist()]


def _member(row: dict[str, Any]) -> Evidence:
    return Evidence(
        **{
            **row,
            "knobs": json.loads(row["knobs"]),
            "curves": {name: np.asarray(values, np.float32) for name, values in row["curves"]},
            "losses": np.asarray(row["losses"], np.float32),
            "predictions": np.asarray(row["predictions"], np.int16),
        }
    )


def truth_to_bytes(truth: Truth, names: Sequence[str], pictures: NDArray[np.uint8]) -> bytes:
    """What a split holds (`splits/selection.npz` in a study's home), for the analysis.

    Args:
        truth: Labels and groups of its N examples.
        names: Name of each class.
        pictures: (N, H, W) or (N, H, W, 3) bytes to show; (N, 0) where the data are no pictures.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, y=truth.y, group=truth.group, classes=truth.classes, names=np.asarray(names), pictures=pictures)
    return buffer.getvalue()


def read_truth(source: str | io.BufferedIOBase) -> tuple[Truth, list[str], NDArray[np.uint8]]:
    """What `truth_to_bytes` packed: (truth, class names, pictures)."""
    with np.load(source, allow_pickle=False) as file:
        truth = Truth(file["y"], file["group"], int(file["classes"]))
        return truth, [str(name) for name in file["names"]], file["pictures"]
