"""Encoded pictures as bytes: what Pillow does for the readers. Pillow is part of the extra `data`."""

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

GREY = ("1", "L", "LA")
DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


class Header(NamedTuple):
    """What a picture's first bytes say."""

    width: int
    height: int
    grey: bool


def imported() -> Any:
    """The module PIL.Image.

    Raises:
        ValueError: If Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ValueError("pictures in files need Pillow: pip install 'altiplano[data]'") from error
    return Image


def header(content: Path | bytes, where: str) -> Header:
    """Size and colour of an encoded picture, without decoding it.

    Raises:
        ValueError: If it is no picture that Pillow knows, or one of more than 8 bits.
    """
    image = _opened(content, where)
    with image:
        if image.mode in DEEP:
            raise ValueError(f"{where} must have 8 bits a channel, it has mode {image.mode}; convert it")
        return Header(image.width, image.height, image.mode in GREY)


def decoded(content: Path | bytes, where: str, *, grey: bool, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture as bytes (channels, height, width), at `size` (height, width), resized bilinearly where its own differs.

    Raises:
        ValueError: If it is truncated or corrupt.
    """
    resampling = imported().Resampling.BILINEAR
    with _opened(content, where) as image:
        try:
            converted = image.convert("L" if grey else "RGB")
        except (OSError, SyntaxError, ValueError) as error:
            raise ValueError(f"{where} is truncated or corrupt: {error}") from error
    if converted.size != size[::-1]:
        converted = converted.resize(size[::-1], resampling)
    array = np.asarray(converted)
    return array[None] if grey else np.moveaxis(array, 2, 0)


def _opened(content: Path | bytes, where: str) -> Any:
    try:
        return imported().open(io.BytesIO(content) if isinstance(content, bytes) else content)
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{where} must be a picture that Pillow reads, from offset 0 it is not: {_first(content)}") from error


def _first(content: Path | bytes) -> str:
    head = (content if isinstance(content, bytes) else content.read_bytes())[:8]
    return f"it begins with {head.hex(' ')}" if head else "it is empty"


def common(found: list[tuple[str, Header]], size: int | None) -> tuple[bool, tuple[int, int]]:
    """Whether all pictures are grey, and their common (height, width): `size` both ways where it is given.

    Raises:
        ValueError: If sizes differ and none is given.
    """
    grey = all(header.grey for _, header in found)
    if size is not None:
        return grey, (size, size)
    first, other = found[0], next((one for one in found if one[1][:2] != found[0][1][:2]), None)
    if other:
        sizes = f"{first[0]} is {first[1].width} x {first[1].height}, {other[0]} is {other[1].width} x {other[1].height}"
        raise ValueError(f"pictures must be of one size, but {sizes}; give `size: 64` to resize all to 64 x 64")
    return grey, (first[1].height, first[1].width)
