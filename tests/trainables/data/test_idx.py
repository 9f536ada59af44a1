import gzip

import numpy as np
import pytest

from tests.trainables.data.files import idx_bytes, labels, write_idx
from trainables.data.load import load

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def loaded(folder, name="idx"):
    return load(name, path=str(folder), selection_share=0.25)


@pytest.mark.parametrize("zipped", [True, False])
def test_pictures_and_labels_come_out_as_they_went_in(tmp_path, zipped):
    train, test = write_idx(tmp_path, zipped=zipped)
    data = loaded(tmp_path)
    assert data.shape == (1, 28, 28)
    assert data.test.x[:, 0].numpy().tobytes() == test.tobytes()
    assert data.test.y.tolist() == labels(20, 10).tolist()
    read = {row.tobytes(): y for row, y in zip(data.train.x.numpy(), data.train.y.tolist(), strict=True)}
    wrote = {row.tobytes(): y for row, y in zip(train, labels(40, 10).tolist(), strict=True)}
    assert len(read) == 30
    assert read.items() <= wrote.items()


def test_a_public_set_has_its_classes_named(tmp_path):
    write_idx(tmp_path)
    assert loaded(tmp_path, "fashion-mnist").classes[9] == "Ankle boot"
    assert loaded(tmp_path, "kmnist").classes[2] == "su"


def test_a_set_without_test_files_has_its_test_split_drawn(tmp_path):
    write_idx(tmp_path, train=60)
    for file in tmp_path.glob("t10k*"):
        file.unlink()
    data = loaded(tmp_path)
    assert (len(data.test), len(data.selection), len(data.train)) == (10, 10, 40)


def broken(folder, name, change):
    """The error that loading gives after `change` was made to the unzipped content of one file."""
    write_idx(folder)
    path = folder / f"{name}.gz"
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes())), mtime=0))
    with pytest.raises(ValueError, match=name) as caught:
        loaded(folder)
    return str(caught.value)


def test_a_wrong_magic_number_is_named_with_its_offset(tmp_path):
    message = broken(tmp_path, IMAGES, lambda content: b"\x00\x00\x0d\x03" + content[4:])
    assert "must begin with 00 00 08 03" in message
    assert "found 00 00 0d 03 at offset 0" in message


def test_labels_in_place_of_pictures_are_noticed(tmp_path):
    assert "found 00 00 08 01 at offset 0" in broken(tmp_path, IMAGES, lambda _: idx_bytes(labels(40, 10)))


def test_a_truncated_file_is_named_with_the_offset_and_the_bytes_that_are_missing(tmp_path):
    message = broken(tmp_path, IMAGES, lambda content: content[:-100])
    assert f"{40 * 784} bytes are needed at offset 16, {40 * 784 - 100} are left" in message


def test_a_header_cut_short_is_named(tmp_path):
    assert "4 bytes are needed at offset 4, 2 are left" in broken(tmp_path, LABELS, lambda content: content[:6])


def test_an_empty_file_is_named(tmp_path):
    assert "4 bytes are needed at offset 0, 0 are left" in broken(tmp_path, LABELS, lambda _: b"")


def test_more_bytes_than_the_header_says_are_noticed(tmp_path):
    assert f"must end at offset {16 + 40 * 784}" in broken(tmp_path, IMAGES, lambda content: content + b"x")


def test_more_labels_than_pictures_are_noticed(tmp_path):
    message = broken(tmp_path, IMAGES, lambda _: idx_bytes(np.zeros((39, 28, 28))))
    assert "has 39 pictures by its header at offset 4" in message
    assert "40 labels" in message


def test_a_dimension_of_no_length_is_noticed(tmp_path):
    assert "no dimension of length 0, found [40, 0, 28] at offset 4" in broken(tmp_path, IMAGES, lambda _: idx_bytes(np.zeros((40, 0, 28))))


def test_another_shape_of_the_test_pictures_is_noticed(tmp_path):
    write_idx(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(np.zeros((20, 8, 8)))))
    with pytest.raises(ValueError, match=r"test part: inputs must be of the training part's shape \(1, 28, 28\), got \(1, 8, 8\)"):
        loaded(tmp_path)


def test_a_label_beyond_the_known_classes_is_noticed(tmp_path):
    write_idx(tmp_path, classes=11)
    with pytest.raises(ValueError, match=r"labels must lie in 0\.\.9, got 10 at example 10"):
        loaded(tmp_path, "mnist")


def test_a_cut_gzip_stream_is_named_with_its_offset(tmp_path):
    write_idx(tmp_path)
    path = tmp_path / f"{IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ValueError, match=r"truncated: its compressed stream ends after offset 16"):
        loaded(tmp_path)


def test_a_changed_byte_in_the_gzip_stream_is_noticed(tmp_path):
    write_idx(tmp_path)
    path = tmp_path / f"{IMAGES}.gz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz is corrupt after offset \d+"):
        loaded(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    write_idx(tmp_path)
    (tmp_path / f"{LABELS}.gz").unlink()
    with pytest.raises(ValueError, match=r"must hold train-labels-idx1-ubyte or train-labels-idx1-ubyte\.gz, it does not"):
        loaded(tmp_path)
