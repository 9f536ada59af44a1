import zipfile

import numpy as np
import pytest

from tests.trainables.data.files import labels, pictures, refused
from trainables.data.load import load


def write(folder, **arrays):
    np.savez(folder / "set.npz", **arrays)
    return str(folder / "set.npz")


def test_medmnist_brings_its_own_validation_and_test_parts(tmp_path):
    parts = {"train": 30, "val": 12, "test": 15}
    arrays = {f"{part}_images": pictures(n, 3, 28, n).transpose(0, 2, 3, 1) for part, n in parts.items()}
    arrays |= {f"{part}_labels": labels(n, 3)[:, None].astype(np.uint8) for part, n in parts.items()}
    data = load("npz", path=write(tmp_path, **arrays))
    assert (len(data.train), len(data.selection), len(data.test)) == (30, 12, 15)
    assert data.shape == (3, 28, 28)
    assert data.test.x.numpy().tobytes() == pictures(15, 3, 28, 15).tobytes()
    assert data.selection.y.tolist() == labels(12, 3).tolist()


def test_floats_of_any_shape_stay_as_they_are(tmp_path):
    x = np.linspace(0, 1, 60).reshape(20, 3)
    data = load("npz", path=write(tmp_path, x=x, y=labels(20, 2), x_test=x[:4], y_test=labels(4, 2)))
    assert data.test.x.dtype.is_floating_point
    assert np.allclose(data.test.x.numpy(), x[:4], rtol=1e-7)


@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize(("wrong", "shown"), [(np.nan, "nan"), (np.inf, "inf"), (1e300, "1e+300")])
def test_a_number_that_no_net_could_take_is_named_with_its_row(tmp_path, wrong, shown, fortran):
    x = np.linspace(0, 1, 9000).reshape(3000, 3)
    x[2345, 1] = wrong
    write(tmp_path, x=np.asfortranarray(x) if fortran else x, y=labels(3000, 2))
    assert f"set.npz: x must hold finite numbers, below 3.4e38; row 2345 has {shown}" in refused("npz", tmp_path / "set.npz")


def test_labels_in_words_and_groups_become_indices(tmp_path):
    y, group = np.array(["no", "yes"] * 10), np.array([7, 7, 9, 9] * 5)
    data = load("npz", path=write(tmp_path, x=pictures(20)[:, 0], y=y, group=group), test_share=0.5, selection_share=0.5)
    assert data.classes == ("no", "yes")
    assert data.groups == ("7", "9")
    assert set(data.train.group.tolist()) <= {0, 1}


def test_classes_are_named_by_the_file_where_it_does(tmp_path):
    data = load("npz", path=write(tmp_path, x=pictures(20)[:, 0], y=labels(20, 2), classes=np.array(["cat", "dog"])))
    assert data.classes == ("cat", "dog")


def test_a_test_label_unknown_to_the_training_part_is_named(tmp_path):
    path = write(tmp_path, x=pictures(20)[:, 0], y=labels(20, 2), x_test=pictures(3)[:, 0], y_test=np.array([0, 1, 5]))
    assert "the test part must have labels of the training part, got [5] beside them" in refused("npz", path)


def test_python_objects_are_not_read(tmp_path):
    assert "y.npy holds Python objects" in refused("npz", write(tmp_path, x=pictures(20)[:, 0], y=np.array([{}] * 20, dtype=object)))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros(3)}, "must hold x and y"),
        ({"x": np.zeros((4, 2)), "y": np.zeros((4, 14), int)}, "y must be one whole number or text for each example"),
        ({"x": np.zeros((4, 2)), "y": np.zeros(4)}, "y must be one whole number or text for each example, got float64"),
        ({"x": np.zeros((4, 2), np.int64), "y": np.array([0, 1, 0, 1])}, "x must be bytes (uint8) or floats, got int64"),
        ({"x": np.zeros((5, 2)), "y": np.array([0, 1, 0, 1])}, "must be as many, got (5, 2) and (4,)"),
        ({"x": np.zeros((4, 2)), "y": np.array([0, 0, 0, 0])}, "must have at least 2 classes"),
        (
            {"x": np.zeros((4, 2)), "y": np.array([0, 1, 0, 1]), "x_test": np.zeros((2, 3)), "y_test": np.array([0, 1])},
            "training part's shape (2,)",
        ),
    ],
)
def test_arrays_that_do_not_make_a_data_set_are_refused_in_words(tmp_path, arrays, message):
    path = write(tmp_path, **arrays)
    found = refused("npz", path)
    assert message in found


def test_a_truncated_file_is_refused(tmp_path):
    path = write(tmp_path, x=pictures(20)[:, 0], y=labels(20, 2))
    content = (tmp_path / "set.npz").read_bytes()
    (tmp_path / "set.npz").write_bytes(content[: len(content) // 2])
    half = len(content) // 2
    found = refused("npz", path)
    assert f"set.npz is no NPZ file ({half} bytes): it is truncated or corrupt, for at its end, offset {half}, there is no list" in found


@pytest.mark.parametrize(
    ("content", "found"), [(b"x,y\n1,2\n", "at offset 0 it begins with 78 2c 79 0a 31 2c 32 0a"), (b"", "it is empty, it ends at offset 0")]
)
def test_a_file_that_is_no_npz_is_named_with_what_it_begins_with(tmp_path, content, found):
    (tmp_path / "set.npz").write_bytes(content)
    assert f"set.npz is no NPZ file ({len(content)} bytes): {found}, not with 50 4b 03 04" in refused("npz", tmp_path / "set.npz")


def test_broken_labels_are_named_with_where_they_begin(tmp_path):
    y = labels(3000, 7)
    path = write(tmp_path, x=pictures(3000, 1, 2)[:, 0], y=y)
    content = bytearray((tmp_path / "set.npz").read_bytes())
    content[content.find(y[:100].tobytes())] ^= 0xFF
    (tmp_path / "set.npz").write_bytes(content)
    with zipfile.ZipFile(path) as archive:
        assert f"y.npy, from offset {archive.getinfo('y.npy').header_offset} of the file, is truncated or corrupt" in refused("npz", path)


def test_a_changed_byte_is_noticed_and_its_place_named(tmp_path):
    x = pictures(3000, 1, 8)[:, 0]
    path = write(tmp_path, x=x, y=labels(3000, 2))
    content = bytearray((tmp_path / "set.npz").read_bytes())
    place = content.find(x[1500].tobytes())
    content[place] ^= 0xFF
    (tmp_path / "set.npz").write_bytes(content)
    assert "x.npy is corrupt after offset" in refused("npz", path)


def test_an_array_shorter_than_its_header_says_is_named_with_the_offset(tmp_path):
    path = write(tmp_path, x=pictures(20, 1, 8)[:, 0], y=labels(20, 2))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["x.npy"] = members["x.npy"][:-64]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert "x.npy is truncated: 1280 bytes are needed at offset 128, 1216 are left" in refused("npz", path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    assert "none.npz must be an NPZ file, it does not exist" in refused("npz", str(tmp_path / "none.npz"))
