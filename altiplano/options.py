"""What the commands share: their options, their exit codes, and how `--set` is read."""

import sys
from pathlib import Path
from typing import Annotated

import typer

DONE, FAILED, AT_FAULT, STOPPED = 0, 1, 2, 3
"""Exit codes."""

HOME = "studies-home"

EQUAL = "mean=.5,tail=.5"
"""Weights of the utility where none are given."""

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The study's name.")]
HomeOption = Annotated[str, typer.Option("--home", help="Folder or URL that holds the studies.", envvar="ALTIPLANO_HOME")]


def _unseen(ledger: str | None) -> str | None:
    """The ledger's URL, unless a password in it stood on the command line.

    Raises:
        UserError: Then.
    """
    if ledger and any(ledger in word for word in sys.argv):
        from search.errors import UserError
        from search.storage import without_password

        if without_password(ledger) != ledger:
            words = "put the URL into ALTIPLANO_LEDGER, or the password into PGPASSWORD or ~/.pgpass"
            raise UserError(f"--ledger: a password on the command line can be read by everybody on this machine, in `ps`; {words}")
    return ledger


LedgerOption = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        help="URL of a database for the ledger; by default what ALTIPLANO_LEDGER says, else a file in the study's home.",
        callback=_unseen,
    ),
]
AddressOption = Annotated[
    str | None, typer.Option("--address", help="A Ray cluster's address, or auto on its head; Ray on this machine by default.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the study file's KEY (dotted) for this run; may be repeated.")
]
RuleOption = Annotated[str, typer.Option("--rule", help="How to rank: guarantee, mean, tail, stability, pareto or oracle.")]
WeightsOption = Annotated[str, typer.Option("--weights", help="Weight of each score in the utility.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


def pairs(changes: list[str] | None) -> dict[str, str]:
    """The values of `--set` by key.

    Raises:
        UserError: If one is not KEY=VALUE.
    """
    from search.errors import UserError

    found = {}
    for change in changes or []:
        key, given, value = change.partition("=")
        if not given or not key:
            raise UserError(f"--set must be KEY=VALUE, as in --set budget.configurations=8, got {change!r}")
        found[key] = value
    return found


def handed_over(page: Path, *, show: bool) -> None:
    """Say where a page lies, and open it in the browser if asked to."""
    from rich.console import Console
    from rich.text import Text

    Console().print(Text(str(page)), soft_wrap=True)
    if show:
        typer.launch(page.resolve().as_uri())


def weighed(text: str) -> dict[str, float]:
    """The value of `--weights`.

    Raises:
        UserError: If it is not NAME=NUMBER, with commas between.
    """
    from search.errors import UserError

    try:
        return {key.strip(): float(value) for key, _, value in (part.partition("=") for part in text.split(","))}
    except ValueError as error:
        raise UserError(f"--weights must be like mean=.5,tail=.5, got {text!r}") from error
