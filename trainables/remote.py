"""Files of an object store through fsspec: each one request that happens whole or not at all, each failure one line without secrets.

Such a store knows no renaming, and needs none: an object is there once its last byte has arrived and been checked, until then its name has
what it had before. Stores answer with what is there now, to every machine; fsspec's memory of listings is therefore left out.
"""

import posixpath
import time
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")

STORES = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"})
"""Schemes whose stores let an object appear whole; fsspec opens others, too, where a killed writer would leave half a file."""

PACKAGES = {
    "s3": "'altiplano[s3]'",
    "s3a": "'altiplano[s3]'",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "oss": "ossfs",
}
"""What opens a scheme."""

SECONDS, PAUSE = 60.0, 1.0
"""How long a store that has answered before may be away, and seconds between two attempts."""


class Unreachable(OSError):  # noqa: N818 it is told as it is
    """A store that cannot be used: its address and its own words, in one line."""


class Remote:
    """Objects below a URL, by name.

    Args:
        url: As fsspec has it.
    """

    def __init__(self, url: str) -> None:
        self.url, self.scheme = url, url.partition("://")[0]
        self._opened: Any = None
        self._answered = False

    def write(self, name: str, content: bytes) -> None:
        """Put an object; who reads gets the one before or this one."""
        self._ask(lambda system: system.pipe_file(self._at(name), content))

    def read(self, name: str) -> bytes | None:
        """An object's content, or None if there is none."""
        # One request: s3fs would fetch a large object in parts, which may be of two versions where somebody writes meanwhile.
        return self._unless_missing(lambda system: bytes(system.cat_file(self._at(name), max_concurrency=1)), None)

    def exists(self, name: str) -> bool:
        """Whether there is such an object, or any below it."""
        return bool(self._ask(lambda system: system.exists(self._at(name))))

    def names(self, folder: str) -> list[str]:
        """Last parts of the names that lie directly below a folder."""
        place = self.url if folder == "." else self._at(folder)
        found = self._unless_missing(lambda system: system.ls(place, detail=False), [])
        return [posixpath.basename(path.rstrip("/")) for path in found]

    def size(self, name: str) -> int:
        """An object's bytes; 0 if there is none."""
        return self._unless_missing(lambda system: int(system.size(self._at(name)) or 0), 0)

    def copy(self, name: str, target: str) -> None:
        """Give an object a second name, within the store; nothing happens if there is no such object."""
        self._unless_missing(lambda system: system.cp_file(self._at(name), self._at(target)), None)

    def remove(self, name: str) -> None:
        """Remove an object if it is there."""
        self._unless_missing(lambda system: system.rm_file(self._at(name)), None)

    def lacking(self) -> str | None:
        """What keeps the URL from being a home, found without writing, or None."""
        if self.scheme not in STORES:
            known = ", ".join(sorted(STORES - {"memory"}))
            return f"a home must be a folder or a URL of an object store ({known}), got {self.scheme}://"
        bucket = self.url.partition("://")[2].partition("/")[0]
        try:
            self._ask(lambda system: system.ls(self.url, detail=False))
        except FileNotFoundError:  # no bucket, or nothing in it so far
            if self.scheme != "memory" and not self._ask(lambda system: system.exists(bucket)):
                return f"there is no bucket {bucket}, or these credentials may not see it; make it first"
        except Unreachable as error:
            return str(error).removeprefix(f"{self.url}: ")
        return None

    def _unless_missing(self, do: Callable[[Any], Result], otherwise: Result) -> Result:
        try:
            return self._ask(do)
        except FileNotFoundError:
            return otherwise

    def _ask(self, do: Callable[[Any], Result]) -> Result:
        """What the store answers. One that has answered before is waited for.

        Raises:
            FileNotFoundError: If what is asked for is not there.
            Unreachable: If it refuses or cannot be reached.
        """
        end = time.monotonic() + (SECONDS if self._answered else 0.0)
        while True:
            try:
                found = do(self._system())
            except FileNotFoundError:
                self._answered = True
                raise
            except ImportError as error:
                words = f"pip install {PACKAGES.get(self.scheme, 'what fsspec opens it with')}"
                raise Unreachable(f"{self.url}: {self.scheme}:// needs a package that is not installed; {words}") from error
            except PermissionError as error:
                words = "give credentials that may list, read, write and delete there (AWS_PROFILE, ~/.aws, the machine's role)"
                raise Unreachable(f"{self.url}: the store refuses ({_said(error)}); {words}") from error
            except Exception as error:  # every store's client has errors of its own
                if time.monotonic() >= end:
                    words = "check the address, the network and the credentials"
                    raise Unreachable(f"{self.url}: the store cannot be used ({_said(error)}); {words}") from error
                time.sleep(PAUSE)
            else:
                self._answered = True
                return found

    def _system(self) -> Any:
        if self._opened is None:
            import fsspec

            self._opened = fsspec.core.url_to_fs(self.url, use_listings_cache=False)[0]
        return self._opened

    def _at(self, name: str) -> str:
        return posixpath.join(self.url, name)


def _said(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__
