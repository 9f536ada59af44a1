"""Folders of pictures, a folder a class: PATH/cat/1.png, or PATH/train/cat/1.png beside PATH/test and PATH/val."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainables.data import pillow
from trainables.data.raw import Blocks, OnDisk, Raw

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pnm"})
PARTS = {"train": ("train",), "selection": ("val", "valid", "validation", "selection"), "test": ("test",)}
ROWS = 256


def images(path: str, size: int | None = None) -> OnDisk:
    """A folder a class, with pictures anywhere below it; files of other kinds and hidden ones are passed over.

    Args:
        path: The folder of class folders, or of train, test and val (either may be missing), each with the same class folders.
        size: Side in pixels that all pictures are resized to; without it they must be of one size.

    Raises:
        ValueError: If there are no class folders, or one has no pictures.
    """
    root = Path(path)
    if not root.is_dir():
        raise ValueError(f"{root} must be a folder with a folder of pictures for each class, it does not exist")
    if size is not None and size < 1:
        raise ValueError(f"size must be at least 1 pixel, got {size}")
    split = {part: next((root / name for name in names if (root / name).is_dir()), None) for part, names in PARTS.items()}
    parts = {part: place for part, place in split.items() if place} if split["train"] else {"train": root}
    classes = _classes(parts["train"])
    found = {part: {name: _pictures(place / name) for name in _agreeing(place, classes)} for part, place in parts.items()}
    files = tuple(file for by_class in found.values() for files in by_class.values() for file in files)
    return OnDisk(files, root, f"images 1 {size}", lambda: _read(found, classes, size))


def _classes(place: Path) -> tuple[str, ...]:
    classes = tuple(sorted(entry.name for entry in place.iterdir() if entry.is_dir() and not entry.name.startswith(".")))
    if len(classes) < 2:
        raise ValueError(f"{place} must hold a folder for each of at least 2 classes, it holds {list(classes)}")
    return classes


def _agreeing(place: Path, classes: tuple[str, ...]) -> tuple[str, ...]:
    if _classes(place) != classes:
        differing = sorted(set(_classes(place)) ^ set(classes))
        raise ValueError(f"{place} must hold the class folders of the training part, {differing[:5]} differ")
    return classes


def _pictures(place: Path) -> list[Path]:
    found = sorted(file for file in place.rglob("*") if file.suffix.lower() in SUFFIXES and not file.name.startswith("."))
    if not found:
        raise ValueError(f"{place} must hold pictures ({', '.join(sorted(SUFFIXES))}), it holds none; add some or remove the folder")
    return found


def _read(found: dict[str, dict[str, list[Path]]], classes: tuple[str, ...], size: int | None) -> Raw:
    flat = {part: [(file, label) for label, name in enumerate(classes) for file in by_class[name]] for part, by_class in found.items()}
    grey, shape = pillow.common([(str(file), pillow.header(file, str(file))) for files in flat.values() for file, _ in files], size)

    def part(files: list[tuple[Path, int]]) -> Raw:
        blocks = Blocks((len(files), 1 if grey else 3, *shape), np.dtype(np.uint8), lambda: _blocks(files, grey, shape))
        return Raw(blocks, np.array([label for _, label in files], np.int64), classes)

    parts = {name: part(files) for name, files in flat.items()}
    return Raw(parts["train"].x, parts["train"].y, classes, test=parts.get("test"), selection=parts.get("selection"))


def _blocks(files: list[tuple[Path, int]], grey: bool, size: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(files), ROWS):
        yield np.stack([pillow.decoded(file, str(file), grey=grey, size=size) for file, _ in files[start : start + ROWS]])
