"""A group's checkpoints in the study's home: the last one and the one before it."""

import math
from collections.abc import Iterator

from trainables.home import Home

FOLDER = "checkpoints"

ENDING, BEFORE = ".pt", ".previous"
"""Ending of a checkpoint's name, and what stands before it where it is the one before the last."""


def group_of(name: str) -> str:
    """The group whose file this is, by its name; half-written ones and those set aside too. A group's name may have dots."""
    return name.removeprefix(".").rpartition(ENDING)[0].removesuffix(BEFORE)


class Checkpoints:
    """The files of one group.

    Args:
        home: The study's home.
        group: The group's name.
        budget: Bytes that all checkpoints of the study may take together; None for any number.
    """

    def __init__(self, home: Home, group: str, budget: int | None) -> None:
        self.home = home
        self.budget = budget
        self.files = f"{FOLDER}/{group}{ENDING}", f"{FOLDER}/{group}{BEFORE}{ENDING}"

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of those that are there, the last one first."""
        for name in self.files:
            content = self.home.read(name)
            if content is not None:
                yield name, content

    def write(self, content: bytes) -> bool:
        """Write a checkpoint; the one before stays beside it, as long as the study's budget has room for both.

        Returns:
            False where it has room for none: nothing has been written then.
        """
        current, previous = self.files
        room = self._room()
        if len(content) > room:
            return False
        if 2 * len(content) <= room:
            self.home.copy(current, previous)  # not moved: whatever happens now, the last one stays
        else:
            self.home.remove(previous)
        self.home.write(current, content)
        return True

    def set_aside(self, name: str) -> str:
        """Keep a checkpoint that cannot be used, under the name that is returned."""
        self.home.move(name, f"{name}.unusable")
        return f"{name}.unusable"

    def forget(self) -> None:
        """Remove them."""
        for name in self.files:
            self.home.remove(name)

    def _room(self) -> float:
        """Bytes that the other groups' checkpoints leave of the budget."""
        if self.budget is None:
            return math.inf
        names = [f"{FOLDER}/{name}" for name in self.home.names(FOLDER)]
        return self.budget - sum(self.home.size(name) for name in names if name not in self.files)
