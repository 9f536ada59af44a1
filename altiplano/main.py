"""The command line: every command says what it does, what it needs and how it ends.

Exit codes: 0 done, 1 failed while running, 2 the input is at fault, 3 stopped by the user with everything saved.
"""

import gc
import sys

import typer
from rich.console import Console
from rich.text import Text

from altiplano.commands import judgement, plan, reference, remote, replay, several, study
from altiplano.options import AT_FAULT, DONE

COMMANDS = {
    "A study": (study.check, plan.plan, study.launch, study.resume, study.status),
    "On a cluster": (remote.submit, remote.logs),
    "Its judgement": (judgement.report, judgement.confirm, judgement.export, judgement.track, several.compare, replay.replay),
    "To look up": (reference.methods, reference.data, reference.doctor),
}
"""Every command by its heading in the help, in the help's order; a command is called as its function is."""

app = typer.Typer(
    name="altiplano",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="""Which training method, with which values, will hold up?

Altiplano searches mixing ratio, perturbation radius and loss-concentration penalty over methods that make classifiers generalise,
and ranks what it found by mean accuracy, tail performance and stability.

[bold]A study from beginning to end[/bold]

  altiplano check studies/digits.yaml    name every fault of the file
  altiplano plan studies/digits.yaml     forecast time, memory and disk
  altiplano launch studies/digits.yaml   search; Ctrl-C saves and leaves
  altiplano resume digits                go on where it stopped
  altiplano report digits                rank, and write one page

Exit codes: 0 done, 1 failed while running, 2 the input is at fault, 3 stopped by you with everything saved.""",
)
for heading, commands in COMMANDS.items():
    for command in commands:
        app.command(command.__name__, rich_help_panel=heading)(command)


COLLECTED_EVERY = 100_000
"""New objects between two looks for garbage. What torch, Ray and Optuna import makes 300,000 that all stay, and torch's compiler as many
again: with Python's own 700, looking takes 0.2 of 4 processor seconds, and 0.9 of 5 where a method is tried."""


def main() -> None:
    """Run the command line; a user's mistake is one line and no traceback."""
    gc.set_threshold(COLLECTED_EVERY)
    code = run(sys.argv[1:])
    gc.freeze()  # else Python looks through all of it once more before it leaves: more than a second after a search
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    try:
        app(args=arguments, prog_name="altiplano")
    except SystemExit as leaving:  # how Typer ends every command, misused ones with 2
        return leaving.code if isinstance(leaving.code, int) else DONE
    except Exception as error:
        from search.errors import UserError  # brings Ray and Optuna, seconds that a page of help does not need
        from trainables.remote import Unreachable

        if not isinstance(error, UserError | Unreachable):
            raise
        Console(stderr=True).print(Text(str(error)), soft_wrap=True)
        return AT_FAULT
    return DONE
