"""Small data sets written in the true formats."""

import gzip
import io
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainables.data.load import load
from trainables.draws import stream


def refused(name, path, **options):
    """The message with which loading the data set is refused."""
    with pytest.raises(ValueError, match=re.escape(str(path))) as caught:
        load(name, path=str(path), **options)
    return str(caught.value)


def pictures(count, channels=1, side=4, seed=0):
    """Random bytes (count, channels, side, side)."""
    return stream(seed, "pictures").integers(0, 256, (count, channels, side, side), dtype=np.uint8)


def labels(count, classes):
    return np.arange(count) % classes


def idx_bytes(array):
    """An array of bytes in IDX form."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return head + array.astype(np.uint8).tobytes()


def write_idx(folder: Path, train=40, test=20, classes=10, side=28, *, zipped=True):
    """The four files of an MNIST-like set; returns (train pictures, test pictures)."""
    made = []
    for prefix, count, seed in (("train", train, 1), ("t10k", test, 2)):
        x = pictures(count, 1, side, seed)[:, 0]
        made.append(x)
        for name, array in ((f"{prefix}-images-idx3-ubyte", x), (f"{prefix}-labels-idx1-ubyte", labels(count, classes))):
            content = idx_bytes(array)
            (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(content, mtime=0) if zipped else content)
    return made


def cifar_records(count, classes, seed, coarse=None):
    """Records of the binary version, and the pictures in them."""
    x, y = pictures(count, 3, 32, seed), labels(count, classes)
    columns = [y] if coarse is None else [y % coarse, y]
    return np.concatenate([*(column.astype(np.uint8)[:, None] for column in columns), x.reshape(count, -1)], axis=1).tobytes(), x


def write_cifar10(folder: Path, each=20):
    """Five training batches, a test batch and the names; returns (train pictures, test pictures)."""
    folder.mkdir(parents=True, exist_ok=True)
    batches = [cifar_records(each, 10, seed) for seed in range(1, 6)]
    for number, (content, _) in enumerate(batches, 1):
        (folder / f"data_batch_{number}.bin").write_bytes(content)
    content, test = cifar_records(each, 10, 9)
    (folder / "test_batch.bin").write_bytes(content)
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    (folder / "batches.meta.txt").write_text("\n".join(names) + "\n\n")
    return np.concatenate([x for _, x in batches]), test


def write_cifar100(folder: Path, count=300):
    folder.mkdir(parents=True, exist_ok=True)
    content, train = cifar_records(count, 100, 1, coarse=20)
    (folder / "train.bin").write_bytes(content)
    (folder / "test.bin").write_bytes(cifar_records(100, 100, 2, coarse=20)[0])
    (folder / "fine_label_names.txt").write_text("".join(f"fine{n}\n" for n in range(100)))
    (folder / "coarse_label_names.txt").write_text("".join(f"coarse{n}\n" for n in range(20)))
    return train


def packed(folder: Path, archive: Path):
    """The folder as a .tar.gz, under its own name."""
    with tarfile.open(archive, "w:gz") as file:
        file.add(folder, folder.name)
    return archive


def encoded(picture, kind="PNG"):
    """A picture (channels, height, width) in an image format."""
    buffer = io.BytesIO()
    Image.fromarray(picture[0] if len(picture) == 1 else np.moveaxis(picture, 0, -1)).save(buffer, kind)
    return buffer.getvalue()


def write_images(folder: Path, count=6, channels=3, side=8, classes=("cat", "dog")):
    """A folder a class; returns the pictures in the order in which they are read."""
    x = pictures(count * len(classes), channels, side)
    for number, picture in enumerate(x):
        place = folder / classes[number // count]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:03}.png").write_bytes(encoded(picture))
    return x
