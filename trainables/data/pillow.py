"""Encoded pictures as bytes: what Pillow does for the readers. Pillow is part of the extra `data`."""

import io
import struct
import warnings
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainables.data.binary import HEAD, begins

GREY = ("1", "L", "LA")
DEEP = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")

UNREADABLE = (OSError, SyntaxError, ValueError, IndexError, EOFError, struct.error)
"""What Pillow's decoders raise where a file breaks off or is corrupt."""

Stream = io.BytesIO | io.BufferedReader


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
    with _stream(content) as stream, _opened(stream, where) as image:
        if image.mode in DEEP:
            raise ValueError(f"{where} must have 8 bits a channel, it has mode {image.mode}; convert it")
        return Header(image.width, image.height, image.mode in GREY)


def decoded(content: Path | bytes, where: str, *, grey: bool, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture as bytes (channels, height, width), at `size` (height, width), resized bilinearly where its own differs.

    Raises:
        ValueError: If it is truncated or corrupt.
    """
    resampling = imported().Resampling.BILINEAR
    with _stream(content) as stream, _opened(stream, where) as image:
        try:
            with _unwarned():
                converted = image.convert("L" if grey else "RGB")
        except UNREADABLE as error:
            raise ValueError(f"{where} is truncated or corrupt, reading it stopped at offset {stream.tell()}: {error}") from error
    if converted.size != size[::-1]:
        converted = converted.resize(size[::-1], resampling)
    array = np.asarray(converted)
    return array[None] if grey else np.moveaxis(array, 2, 0)


def _stream(content: Path | bytes) -> Stream:
    return io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")


def _opened(stream: Stream, where: str) -> Any:
    try:
        with _unwarned():
            return imported().open(stream)
    except imported().DecompressionBombError as error:
        raise ValueError(f"{where} must be of a size that can be decoded, by its header at offset 0 it is not: {error}") from error
    except UNREADABLE as error:
        stream.seek(0)
        raise ValueError(f"{where} must be a picture that Pillow reads, it is not: {begins(stream.read(HEAD))}") from error


def _unwarned() -> AbstractContextManager[Any]:
    """Without Pillow's warnings of what it then raises, or of metadata that nobody here reads."""
    return warnings.catch_warnings(action="ignore", category=UserWarning)


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
