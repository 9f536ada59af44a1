"""The page of the command line: what `--help` says, command by command."""

import re

import typer
from typer.main import get_command

from altiplano.main import COMMANDS, app
from docs.reference.words import table

HEAD = """# Commands

What `altiplano COMMAND --help` says. Exit codes: 0 done, 1 failed while running, 2 the input is at fault, 3 stopped by you with everything
saved. `ALTIPLANO_HOME` and `ALTIPLANO_LEDGER` stand in for `--home` and `--ledger`; a study
with a ledger in its own home keeps to that one.
"""


def page() -> str:
    """The page's text."""
    root = get_command(app)
    context = typer.Context(root, info_name="altiplano")
    parts = [HEAD]
    for heading, commands in COMMANDS.items():
        parts.append(f"## {heading}\n")
        for command in commands:
            found = root.get_command(context, command.__name__)  # type: ignore[attr-defined]  the app has commands, so it is a group
            parts += [f"### {found.name}\n", *_command(found, typer.Context(found, parent=context, info_name=found.name))]
    return "\n".join(parts)


def _command(command: typer.core.TyperCommand, context: typer.Context) -> list[str]:
    words = command.collect_usage_pieces(context)
    rows = []
    for parameter in command.params:
        if parameter.name == "help":
            continue
        default = "" if parameter.default in (None, False) or parameter.required else f"`{parameter.default}`"
        name = ", ".join(parameter.opts) if parameter.param_type_name == "option" else str(parameter.metavar or parameter.name)
        rows.append([f"`{name}`", _plain(getattr(parameter, "help", "") or ""), default])
    return [f"    {context.command_path} {' '.join(words)}\n", _plain(command.help or "") + "\n", table(["", "meaning", "default"], rows)]


def _plain(text: str) -> str:
    return re.sub(r"\[/?(bold|dim)\]", "", text)
