"""A study's home: a local folder, or an object-store URL through fsspec. Files appear whole or not at all."""

import contextlib
import os
import posixpath
import re
import uuid
from pathlib import Path

from trainables.remote import Remote


class Home:
    """Files of one study by relative name ("evidence/sam-0001.parquet").

    Args:
        url: A path, or a URL of an object store (`s3://bucket/prefix`).
    """

    def __init__(self, url: str) -> None:
        self.url = re.sub(r"(?<![:/])/{2,}", "/", str(url)).rstrip("/")
        self.local = Path(self.url.removeprefix("file://")) if "://" not in self.url or self.url.startswith("file://") else None
        self._remote = Remote(self.url)

    def __repr__(self) -> str:
        return f"Home({self.url!r})"

    def at(self, name: str) -> str:
        """Full path or URL of a file."""
        return str(self.local / name) if self.local else posixpath.join(self.url, name)

    def lacking(self) -> str | None:
        """What keeps a home that is no local folder from being used, or None; nothing is written."""
        return None if self.local else self._remote.lacking()

    def write(self, name: str, content: bytes) -> None:
        """Write a file so that readers see the old one or the new one, also if the machine stops in between."""
        if self.local:
            _swap_in(self.local / name, content)
        else:
            self._remote.write(name, content)

    def read(self, name: str) -> bytes | None:
        """The file's content, or None if there is none."""
        if self.local is None:
            return self._remote.read(name)
        try:
            return (self.local / name).read_bytes()
        except FileNotFoundError:
            return None

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        return (self.local / name).exists() if self.local else self._remote.exists(name)

    def names(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted, without the folder; half-written files are not among them."""
        if self.local is None:
            found = self._remote.names(folder)
        else:
            found = [entry.name for entry in os.scandir(self.local / folder)] if (self.local / folder).is_dir() else []
        return sorted(name for name in found if name and not name.startswith("."))

    def size(self, name: str) -> int:
        """The file's size in bytes; 0 if there is none."""
        try:
            return (self.local / name).stat().st_size if self.local else self._remote.size(name)
        except FileNotFoundError:
            return 0

    def move(self, name: str, target: str) -> None:
        """Rename a file, replacing what has the new name; nothing happens if there is no such file."""
        if self.local is None:
            self._remote.copy(name, target)
            self._remote.remove(name)
        elif (self.local / name).exists():
            (self.local / name).replace(self.local / target)

    def copy(self, name: str, target: str) -> None:
        """Let a file's content have a second name, whole or not at all; later writes to the first leave the second as it is."""
        if self.local is None:
            self._remote.copy(name, target)
            return
        temporary = self.local / f"{posixpath.dirname(target)}/.{posixpath.basename(target)}.{os.getpid()}"
        temporary.unlink(missing_ok=True)
        try:
            os.link(self.local / name, temporary)
            temporary.replace(self.local / target)
        except FileNotFoundError:
            return
        except OSError:  # a file system without hard links
            _swap_in(self.local / target, (self.local / name).read_bytes())
        finally:
            temporary.unlink(missing_ok=True)  # it stays where both names were the same file already

    def unfinished(self, folder: str) -> list[str]:
        """Names of half-written files in a folder, which processes that were killed have left; an object store has none."""
        if self.local is None or not (self.local / folder).is_dir():
            return []
        return sorted(entry.name for entry in os.scandir(self.local / folder) if entry.name.startswith(".") and entry.is_file())

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        if self.local:
            (self.local / name).unlink(missing_ok=True)
        else:
            self._remote.remove(name)

    def drop(self, folder: str = "") -> None:
        """Remove a folder, the home itself by default, if nothing is in it; an object store has none."""
        if self.local:
            with contextlib.suppress(OSError):
                (self.local / folder).rmdir()


def answer(url: str, question: str, name: str) -> str | None:
    """On another machine: read the file `question` of a home and write it as `name`; says why where that cannot be done."""
    home = Home(url)
    try:
        content = home.read(question)
        if content is None:
            return f"it does not see {home.at(question)}"
        home.write(name, content)
    except (OSError, ImportError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _swap_in(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex[:8]}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)  # less what the user's umask takes
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename in the folder last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
