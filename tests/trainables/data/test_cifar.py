import gzip

import pytest

from tests.trainables.data.files import labels, packed, refused, write_cifar10, write_cifar100
from trainables.data.load import load

FOLDER = "cifar-10-batches-bin"


@pytest.mark.parametrize("form", ["folder", "folder above", "archive"])
def test_cifar10_is_read_from_its_folder_and_from_its_archive(tmp_path, form):
    train, test = write_cifar10(tmp_path / FOLDER)
    path = {"folder": tmp_path / FOLDER, "folder above": tmp_path}.get(form) or packed(
        tmp_path / FOLDER, tmp_path / "cifar-10-binary.tar.gz"
    )
    data = load("cifar10", path=str(path))
    assert data.classes[3] == "cat"
    assert data.shape == (3, 32, 32)
    assert data.test.x.numpy().tobytes() == test.tobytes()
    assert data.test.y.tolist() == labels(20, 10).tolist()
    everything = {row.tobytes() for row in train}
    assert {row.tobytes() for row in data.train.x.numpy()} < everything
    assert len(data.train) + len(data.selection) == len(everything) == 100


def test_cifar100_has_fine_or_coarse_labels(tmp_path):
    train = write_cifar100(tmp_path)
    fine, coarse = load("cifar100", path=str(tmp_path)), load("cifar100", path=str(tmp_path), labels="coarse")
    assert (len(fine.classes), len(coarse.classes)) == (100, 20)
    assert fine.test.y.tolist() == list(range(100))
    assert coarse.test.y.tolist() == [number % 20 for number in range(100)]
    assert coarse.classes[19] == "coarse19"
    assert {row.tobytes() for row in fine.train.x.numpy()} < {row.tobytes() for row in train}


def test_a_truncated_batch_is_named_with_the_record_and_its_offset(tmp_path):
    write_cifar10(tmp_path)
    file = tmp_path / "data_batch_2.bin"
    file.write_bytes(file.read_bytes()[:-1000])
    assert f"data_batch_2.bin is truncated: the record at offset {19 * 3073} has 2073 of 3073 bytes" in refused("cifar10", tmp_path)


def test_a_batch_that_is_cut_between_two_records_differs_from_the_others(tmp_path):
    write_cifar10(tmp_path)
    file = tmp_path / "data_batch_3.bin"
    file.write_bytes(file.read_bytes()[: 10 * 3073])
    assert "every training file must hold as many records as the others" in (said := refused("cifar10", tmp_path))
    assert "20 in data_batch_2.bin, 10 in data_batch_3.bin" in said


def test_an_empty_batch_is_named(tmp_path):
    write_cifar10(tmp_path)
    (tmp_path / "test_batch.bin").write_bytes(b"")
    assert "test_batch.bin must hold records of 3073 bytes, it is empty, it ends at offset 0" in refused("cifar10", tmp_path)


def test_a_label_that_cannot_be_is_named_with_its_offset(tmp_path):
    write_cifar10(tmp_path)
    file = tmp_path / "data_batch_3.bin"
    content = bytearray(file.read_bytes())
    content[5 * 3073] = 77
    file.write_bytes(content)
    assert f"data_batch_3.bin must have labels below 10, found 77 at offset {5 * 3073}" in refused("cifar10", tmp_path)


def test_cifar100_in_the_place_of_cifar10_is_refused(tmp_path):
    write_cifar100(tmp_path)
    assert "must hold data_batch_1.bin" in refused("cifar10", tmp_path)


def test_a_names_file_with_too_few_classes_is_refused(tmp_path):
    write_cifar10(tmp_path)
    (tmp_path / "batches.meta.txt").write_text("cat\ndog\n")
    assert "batches.meta.txt must name 10 classes, one a line, found 2" in refused("cifar10", tmp_path)


def test_a_truncated_archive_is_refused(tmp_path):
    write_cifar10(tmp_path / FOLDER)
    archive = packed(tmp_path / FOLDER, tmp_path / "cifar-10-binary.tar.gz")
    archive.write_bytes(archive.read_bytes()[:200_000])
    message = refused("cifar10", archive)
    assert str(archive) in message
    assert "fetch it again" in message


def test_an_archive_of_something_else_is_refused(tmp_path):
    write_cifar10(tmp_path / "other")
    message = refused("cifar10", packed(tmp_path / "other", tmp_path / "cifar-10-binary.tar.gz"))
    assert "must hold cifar-10-batches-bin/batches.meta.txt, it does not" in message


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    file = tmp_path / "cifar-10-binary.tar.gz"
    file.write_bytes(gzip.compress(b"hello"))
    assert "is no readable archive" in refused("cifar10", file)
    file.write_bytes(b"<html>404</html>")
    assert "(16 bytes; at offset 0 it begins with 3c 68 74 6d 6c 3e 34 30)" in refused("cifar10", file)
