import numpy as np
import pytest
from PIL import Image

from tests.trainables.data.files import encoded, pictures, refused, write_images
from trainables.data.load import load


def test_pictures_come_out_as_they_went_in_with_their_folders_as_classes(tmp_path):
    x = write_images(tmp_path)
    data = load("images", path=str(tmp_path))
    assert data.classes == ("cat", "dog")
    assert data.shape == (3, 8, 8)
    wrote = {row.tobytes(): number // 6 for number, row in enumerate(x)}
    for part in (data.train, data.selection, data.test):
        for row, label in zip(part.x.numpy(), part.y.tolist(), strict=True):
            assert wrote.pop(row.tobytes()) == label
    assert not wrote


def test_folders_called_train_val_and_test_are_the_splits(tmp_path):
    write_images(tmp_path / "train", 5)
    write_images(tmp_path / "val", 2)
    test = write_images(tmp_path / "test", 3)
    data = load("images", path=str(tmp_path))
    assert (len(data.train), len(data.selection), len(data.test)) == (10, 4, 6)
    assert data.test.x.numpy().tobytes() == test.tobytes()


def test_grey_pictures_have_one_channel(tmp_path):
    write_images(tmp_path, channels=1)
    assert load("images", path=str(tmp_path)).shape == (1, 8, 8)


def test_one_colour_picture_makes_all_of_them_colour(tmp_path):
    write_images(tmp_path, channels=1)
    (tmp_path / "cat" / "colour.png").write_bytes(encoded(pictures(1, 3, 8)[0]))
    assert load("images", path=str(tmp_path)).shape == (3, 8, 8)


def test_pictures_of_several_sizes_are_refused_by_name_or_resized(tmp_path):
    write_images(tmp_path)
    (tmp_path / "dog" / "large.png").write_bytes(encoded(pictures(1, 3, 16)[0]))
    message = refused("images", tmp_path)
    assert "large.png is 16 x 16" in message
    assert "000.png is 8 x 8" in message
    assert load("images", path=str(tmp_path), size=5).shape == (3, 5, 5)


def test_a_truncated_picture_is_named(tmp_path):
    write_images(tmp_path)
    file = tmp_path / "cat" / "002.png"
    file.write_bytes(file.read_bytes()[:80])
    assert "cat/002.png is truncated or corrupt, reading it stopped at offset 80: " in refused("images", tmp_path)


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_a_picture_of_any_kind_cut_anywhere_is_named_with_an_offset(tmp_path, kind):
    write_images(tmp_path, count=2)
    content = encoded(pictures(1, 3, 8)[0], kind)
    file = tmp_path / "cat" / "broken.png"
    for size in (1, 10, len(content) // 3, len(content) // 2, len(content) - 60):
        file.write_bytes(content[:size])
        message = refused("images", tmp_path)
        assert "cat/broken.png" in message
        assert "at offset" in message


def test_a_file_that_is_no_picture_is_named_with_its_first_bytes(tmp_path):
    write_images(tmp_path)
    (tmp_path / "cat" / "003.png").write_bytes(b"hello world")
    message = refused("images", tmp_path)
    assert "cat/003.png must be a picture" in message
    assert "it begins with 68 65 6c 6c 6f 20 77 6f" in message


def test_an_empty_picture_file_is_named(tmp_path):
    write_images(tmp_path)
    (tmp_path / "cat" / "003.png").write_bytes(b"")
    assert "it is empty, it ends at offset 0" in refused("images", tmp_path)


def test_a_picture_of_impossible_size_is_named(tmp_path):
    write_images(tmp_path)
    (tmp_path / "cat" / "bomb.ppm").write_bytes(b"P6\n99999 99999\n255\n")
    assert "cat/bomb.ppm must be of a size that can be decoded, by its header at offset 0 it is not" in refused("images", tmp_path)


def test_a_class_folder_without_pictures_is_named(tmp_path):
    write_images(tmp_path)
    (tmp_path / "bird").mkdir()
    (tmp_path / "bird" / "notes.txt").write_text("none yet")
    assert "bird must hold pictures" in refused("images", tmp_path)


def test_sixteen_bit_pictures_are_refused(tmp_path):
    write_images(tmp_path)
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(tmp_path / "cat" / "deep.png")
    assert "deep.png must have 8 bits a channel, it has mode I;16" in refused("images", tmp_path)


def test_a_test_part_with_other_classes_is_refused(tmp_path):
    write_images(tmp_path / "train")
    write_images(tmp_path / "test", classes=("cat", "wolf"))
    assert "must hold the class folders of the training part, ['dog', 'wolf'] differ" in refused("images", tmp_path)


@pytest.mark.parametrize("classes", [(), ("cat",)])
def test_fewer_than_two_class_folders_are_refused(tmp_path, classes):
    write_images(tmp_path, classes=classes) if classes else None
    assert "must hold a folder for each of at least 2 classes" in refused("images", tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    assert "none must be a folder with a folder of pictures for each class" in refused("images", tmp_path / "none")
