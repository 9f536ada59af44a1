import sys
import types

import numpy as np
import pytest

from tests.trainables.data.files import labels, pictures, write_idx
from trainables.data.idx import idx
from trainables.data.load import check, load
from trainables.data.raw import Raw


@pytest.fixture
def mine(monkeypatch):
    """A module `mine` to put objects into."""
    module = types.ModuleType("mine")
    monkeypatch.setitem(sys.modules, "mine", module)
    return module


def test_a_pair_of_arrays_is_a_data_set(mine):
    mine.data = (pictures(40), labels(40, 2))
    data = load("mine:data")
    assert data.classes == ("0", "1")
    assert len(data.train) + len(data.selection) + len(data.test) == 40


def test_a_number_that_no_net_could_take_is_named_with_its_part_and_row(mine):
    x = np.ones((40, 3))
    x[7, 2] = np.inf
    mine.data = {"x": np.ones((40, 3)), "y": labels(40, 2), "x_test": x, "y_test": labels(40, 2)}
    with pytest.raises(ValueError, match=r"mine:data: x_test must hold finite numbers, below 3.4e38; row 7 has inf"):
        load("mine:data")


def test_a_function_is_called_with_the_options_of_the_study_file(mine):
    def made(count: int, noisy: bool = False):
        return {"x": np.ones((count, 3)), "y": labels(count, 2), "x_test": np.zeros((4, 3)), "y_test": labels(4, 2), "classes": ["a", "b"]}

    mine.made = made
    data = load("mine:made", count=30)
    assert data.classes == ("a", "b")
    assert data.test.x.sum() == 0
    assert check({"name": "mine:made"}) == ["data.count must be given: a whole number"]
    assert check({"name": "mine:made", "count": 3, "nosy": True}) == ["data.nosy is unknown; did you mean noisy?"]


def test_groups_come_through(mine):
    mine.data = {"x": pictures(40), "y": labels(40, 2), "group": np.array(["land", "water"] * 20)}
    assert load("mine:data").groups == ("land", "water")


def test_a_raw_data_set_and_files_to_be_read_are_taken_as_they_are(mine, tmp_path):
    mine.raw = Raw(pictures(40), labels(40, 2), ("a", "b"))
    assert load("mine:raw").classes == ("a", "b")
    write_idx(tmp_path)
    mine.files = lambda: idx(str(tmp_path))
    assert load("mine:files").shape == (1, 28, 28)


def test_arrays_mapped_read_only_are_mapped_again_not_copied(mine, tmp_path):
    np.save(tmp_path / "x.npy", pictures(40))
    mine.data = (np.load(tmp_path / "x.npy", mmap_mode="r"), labels(40, 2))
    data = load("mine:data")
    assert data.train.inputs(data.train.y.new_zeros(1)).shape == (1, 1, 4, 4)
    rows = data.train.rows
    assert rows is not None
    assert np.array_equal(data.train.x.numpy(), pictures(40)[rows.numpy()])


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (3, "must give trainables.data.raw.Raw, a pair"),
        ({"x": np.zeros((3, 2))}, "must give trainables.data.raw.Raw, a pair"),
        ((np.zeros((3, 2)), np.array([0, 1])), "must be as many, got \\(3, 2\\) and \\(2,\\)"),
        (Raw(np.zeros((3, 2), np.float32), np.array([0, 1, 2]), ("a", "b")), r"labels must lie in 0\.\.1, got 2 at example 2"),
        (Raw(np.zeros((3, 2), np.float64), np.array([0, 1, 1]), ("a", "b")), "inputs must be uint8 or float32, got float64"),
        (
            Raw(np.zeros((2, 2), np.float32), np.array([0, 2]), ("a", "b", "c")),
            r"must have training examples of every class, got none of \['b'\]",
        ),
    ],
)
def test_what_is_no_data_set_is_refused_by_name(mine, made, message):
    mine.made = made
    with pytest.raises(ValueError, match=f"mine:made.*{message}"):
        load("mine:made")
