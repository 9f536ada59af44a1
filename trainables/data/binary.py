"""Reading bytes so that a broken file is named together with the offset where it breaks."""

import gzip
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Protocol, runtime_checkable

BROKEN = (gzip.BadGzipFile, zlib.error, zipfile.BadZipFile, tarfile.TarError)
"""What the standard library raises where compressed content does not fit its own checks."""


HEAD = 8
"""First bytes of a file that are shown where it is not what it should be."""


@runtime_checkable
class Readable(Protocol):
    """An open binary file, compressed or not."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes."""
        ...


def begins(content: bytes) -> str:
    """What stands at offset 0 of a file that is not what it should be."""
    return f"at offset 0 it begins with {content[:HEAD].hex(' ')}" if content else "it is empty, it ends at offset 0"


def head(path: Path, size: int = HEAD) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as file:
        return file.read(size)


def some(file: Readable, size: int, where: str, offset: int) -> bytes:
    """At most `size` bytes, fewer at the end.

    Args:
        file: Where to read.
        size: How many bytes.
        where: The file's name, for messages.
        offset: Bytes of the (uncompressed) content that have been read.

    Raises:
        ValueError: If the compressed stream is truncated or corrupt.
    """
    try:
        return file.read(size)
    except EOFError as error:
        raise ValueError(
            f"{where} is truncated: its compressed stream ends after offset {offset} of the content; fetch it again"
        ) from error
    except BROKEN as error:
        raise ValueError(f"{where} is corrupt after offset {offset} of its content: {error}; fetch it again") from error


def exactly(file: Readable, size: int, where: str, offset: int) -> bytes:
    """`size` bytes; arguments as in `some`.

    Raises:
        ValueError: If there are fewer, or the compressed stream is broken.
    """
    content = some(file, size, where, offset)
    if len(content) < size:
        raise ValueError(f"{where} is truncated: {size} bytes are needed at offset {offset}, {len(content)} are left; fetch it again")
    return content
