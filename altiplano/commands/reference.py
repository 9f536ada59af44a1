"""The commands that look things up: methods, data sets, and this machine."""

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from altiplano.options import DONE, FAILED, HOME, HomeOption, pairs


def methods(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A method or strategy, or your own module:object.")] = None,
) -> None:
    """List the training methods; with a NAME: what it computes, its knobs, ranges and sources, and what a step costs, measured."""
    from altiplano import describe

    Console().print(describe.detail(name) if name else describe.overview())


def data(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A public data set; all of them by default.")] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Download it into the cache, checked by checksum.")] = False,
) -> None:
    """List the data sets a study file may name; with NAME and --fetch: download a public one."""
    from search.errors import UserError, nearest
    from trainables.data import public
    from trainables.data.load import SOURCES

    console = Console()
    if name is not None and name not in SOURCES:
        raise UserError(f"altiplano data: there is no data set {name!r}; {nearest(name, list(SOURCES))}")
    if fetch and name is None:
        raise UserError(f"altiplano data: --fetch must have the name of a public data set: {', '.join(public.DOWNLOADS)}")
    if not fetch:
        chosen = [name] if name else list(SOURCES)
        for one in chosen:
            origin = "public: altiplano data " + one + " --fetch" if one in public.DOWNLOADS else "built in, or read from files of yours"
            console.print(Text(f"{one:<16} {origin}"), soft_wrap=True)
        return
    try:
        for path in public.fetch(name or ""):
            console.print(Text(str(path)), soft_wrap=True)
    except ValueError as error:
        raise UserError(f"altiplano data: {error}") from error


def doctor(
    home: HomeOption = HOME,
    plugin: Annotated[str | None, typer.Option("--plugin", metavar="MODULE:OBJECT", help="A method, net or data set of your own.")] = None,
    options: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An option of it; may be repeated.")] = None,
) -> None:
    """Check this machine: versions, devices, write access, and that a member alone equals the member in a group.

    With --plugin: check that a method, net or data set of your own keeps what the built-in ones are tested for.
    """
    from altiplano.doctor import examine, examine_own

    console, fine = Console(), True
    for finding in examine_own(plugin, pairs(options)) if plugin else examine(home):
        console.print(Text(f"{'ok   ' if finding.fine else 'FAULT'} {finding.text}"), soft_wrap=True)
        fine = fine and finding.fine
    raise typer.Exit(DONE if fine else FAILED)
