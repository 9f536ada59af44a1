"""Evidence comes back as it was written, and nothing else is taken for it."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainables import evidence
from trainables.evidence import COMPLETE, Evidence
from trainables.scores import Truth


def member(seed=0):
    return Evidence(
        study="s", method="sam", configuration=3, seed=seed, group="sam-0000", status=COMPLETE, epochs=2, split="selection",
        knobs={"rho": 0.05, "lr": 0.1}, accuracy=0.75, tail=0.5, loss=0.3, seconds=1.5, device="cpu",
        losses=np.array([0.1, 0.5], np.float32), predictions=np.array([1, -1], np.int16),
        curves={"accuracy": np.array([np.nan, 0.75], np.float32)},
    )  # fmt: skip


def test_members_come_back_as_they_were_written():
    first, second = evidence.read(io.BytesIO(evidence.to_bytes([member(0), member(1)])))
    assert (first.seed, second.seed) == (0, 1)
    for name, value in vars(member()).items():
        np.testing.assert_equal(getattr(first, name), value)


def test_an_empty_list_of_members_is_a_file_too():
    assert evidence.read(io.BytesIO(evidence.to_bytes([]))) == []


def test_a_torn_file_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "torn.parquet"
    path.write_bytes(evidence.to_bytes([member()])[:-20])
    with pytest.raises(ValueError, match=r"torn\.parquet is not a readable evidence file.*resume"):
        evidence.read(str(path))


def test_a_parquet_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(ValueError, match="version 1, found version none"):
        evidence.read(str(path))


def test_truth_comes_back_with_names_and_pictures():
    truth = Truth(np.array([0, 1]), np.array([0, 0]), 2)
    pictures = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    found, names, shown = evidence.read_truth(io.BytesIO(evidence.truth_to_bytes(truth, ["cat", "dog"], pictures)))
    np.testing.assert_array_equal(found.y, truth.y)
    assert (found.classes, names) == (2, ["cat", "dog"])
    np.testing.assert_array_equal(shown, pictures)


class Code:
    """Writes a file when somebody unpickles it."""

    def __init__(self, file):
        self.file = str(file)

    def __reduce__(self):
        return Path.touch, (Path(self.file),)


def test_code_in_somebody_elses_labels_is_refused_and_not_executed(tmp_path):
    buffer, file = io.BytesIO(), tmp_path / "executed"
    np.savez(buffer, y=np.array([Code(file)], dtype=object), group=np.zeros(1), classes=2, names=np.array(["a"]), pictures=np.zeros((1, 0)))
    buffer.seek(0)
    with pytest.raises(ValueError, match="Object arrays cannot be loaded"):
        evidence.read_truth(buffer)
    assert not file.exists()
