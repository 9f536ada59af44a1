"""What the commands that train have in common: a display, one line for a failure, and the exit code."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from altiplano.options import DONE, FAILED, STOPPED


def searched(start: Callable[[Any], Any], home: str, address: str | None, *, quiet: bool, as_json: bool) -> None:
    """Run a search under a display, say how it ended and leave with its exit code.

    Raises:
        typer.Exit: Always.
    """
    from altiplano.display import Style, Terminal, watching

    console = Terminal()
    style = Style.QUIET if quiet else Style.JSON if as_json else Style.AUTO
    with failures(), watching(console, style) as watcher:
        outcome = start(watcher)
    if style is Style.AUTO:
        console.print(Text(_farewell(outcome, home, address)), soft_wrap=True)
    raise typer.Exit(STOPPED if outcome.stopped else DONE)


@contextmanager
def failures() -> Iterator[None]:
    """Say in one line why a search could not go on, or that the user left at once.

    Raises:
        typer.Exit: Then.
    """
    import search

    try:
        yield
    except search.SearchFailed as error:
        Console(stderr=True).print(Text(str(error)), soft_wrap=True)
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt:
        Console(stderr=True).print("left at once; what is not in a checkpoint is trained again")
        raise typer.Exit(STOPPED) from None


def _farewell(outcome: Any, home: str, address: str | None) -> str:
    from search.homes import elsewhere

    name = outcome.status.name
    if outcome.stopped:
        return f"stopped, everything is saved; go on with: altiplano resume {name}{elsewhere(home, address)}"
    return f"{outcome.status}\nnext: altiplano report {name}{elsewhere(home)}"
