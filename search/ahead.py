"""What a plan leaves in a study's home: sizes of groups for the run, and a forecast to be held against what comes of it."""

import json
from typing import NamedTuple

from search.amounts import duration, size
from trainables.home import Home

FILE = "plan.json"
"""The plan in a study's home."""


class Ahead(NamedTuple):
    """What a plan leaves in a study's home for the run.

    Attributes:
        sizes: Members of each method's groups.
        seconds, memory, disk: The forecast: of the search, and bytes of a worker and of the home.
    """

    sizes: dict[str, int]
    seconds: float
    memory: int
    disk: int


def remember(home: Home, ahead: Ahead) -> None:
    """Leave it in the study's home."""
    home.write(FILE, (json.dumps(ahead._asdict(), indent=2) + "\n").encode())


def recall(home: Home) -> Ahead | None:
    """What `remember` left; None where nothing was measured."""
    content = home.read(FILE)
    return Ahead(**json.loads(content)) if content else None


def comparison(ahead: Ahead, seconds: float, memory: int, disk: int) -> str:
    """The forecast beside what came of it, in a line."""
    pairs = (
        ("", ahead.seconds, seconds, duration),
        (" of memory a worker", ahead.memory, memory, size),
        (" of disk", ahead.disk, disk, size),
    )
    parts = [f"{said(was)}{what} (forecast {said(guess)}, {was / guess - 1:+.0%})" for what, guess, was, said in pairs if was and guess]
    return f"took {', '.join(parts)}" if parts else ""
