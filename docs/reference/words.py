"""Python's words as Markdown: docstrings in Google's form, tables, annotations."""

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|References):$")
TITLES = {"Args": "Arguments", "Raises": "Errors"}
ITEM = re.compile(r"^([A-Za-z_][\w, ]*): (.*)$")


def documented(thing: Any, leave: Sequence[str] = ()) -> str:
    """An object's docstring as Markdown.

    Indented lines are formulas and stay as they are; a section's entries become a list.

    Args:
        thing: What has the docstring.
        leave: Sections left out.
    """
    parts = [text if name is None else _section(name, text) for name, text in _sections(inspect.getdoc(thing) or "") if name not in leave]
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in line)} |" for line in lines) + "\n"


def signature(name: str, thing: Any) -> str:
    """A call in short: names and defaults, annotations left to the text."""
    parameters = inspect.signature(thing).parameters.values()
    shown = [str(one.replace(annotation=inspect.Parameter.empty)).replace(" = ", "=") for one in parameters if one.name != "self"]
    for place, one in enumerate(parameters):
        if one.kind is inspect.Parameter.KEYWORD_ONLY:
            shown.insert(place, "*")
            break
    return f"{name}({', '.join(shown)})"


def anchor(heading: str) -> str:
    """What the site and GitHub make of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _sections(text: str) -> Iterator[tuple[str | None, str]]:
    """The text before the first section, then each section by name."""
    name, lines = None, []
    for line in text.splitlines():
        if found := SECTION.match(line):
            yield name, "\n".join(lines)
            name, lines = found[1], []
        else:
            lines.append(line)
    yield name, "\n".join(lines)


def _section(name: str, text: str) -> str:
    entries: list[str] = []
    for line in inspect.cleandoc(text).splitlines():
        if line.startswith(" ") or (entries and name == "References" and not entries[-1].endswith(".")) or (entries and name == "Returns"):
            entries[-1] += f" {line.strip()}"
        elif line.strip():
            entries.append(line.strip())
    return f"**{TITLES.get(name, name)}**\n\n" + "\n".join(f"- {_entry(entry)}" for entry in entries)


def _entry(entry: str) -> str:
    found = ITEM.match(entry)
    return f"{', '.join(f'`{name.strip()}`' for name in found[1].split(','))}: {found[2]}" if found else entry
