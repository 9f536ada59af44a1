"""What users can put right: each error is one line of what, where and what to do; the command line ends with exit code 2."""

from collections.abc import Sequence
from typing import NamedTuple


class UserError(Exception):
    """The input is at fault, or the place it points to; nothing has been created or lost."""


class Fault(NamedTuple):
    """One fault of a study file.

    Attributes:
        path: The key, dotted ("methods.g-mix.rho").
        message: What must hold, what was given, what to do.
        line: Line of the key in the file, from 1, where there is a file.
    """

    path: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        place = f"line {self.line}, " if self.line else ""
        return f"{place}{self.path}: {self.message}" if self.path else f"{place}{self.message}"


class StudyError(UserError):
    """A study with faults: all of them at once.

    Attributes:
        source: Where the study came from, a path mostly.
        faults: Every fault, in the order of the file.
    """

    def __init__(self, faults: Sequence[Fault], source: str = "study") -> None:
        self.source = source
        self.faults = sorted(faults, key=lambda fault: fault.line or 0)
        super().__init__("\n".join(f"{source}: {fault}" for fault in self.faults))


def nearest(name: str, known: Sequence[str]) -> str:
    """Words that name the known name nearest to a wrong one, or all of them where none is near."""
    import difflib

    found = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    return f"did you mean {found[0]}?" if found else f"known are {', '.join(sorted(known))}"
