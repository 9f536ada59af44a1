"""The parts of a report page: sections holding text, figures, tables and pictures, and the template that sets them."""

from collections.abc import Sequence
from importlib import resources
from typing import Any, NamedTuple

import jinja2

from analysis.figures.style import Drawing, svg


class Column(NamedTuple):
    """A table's column: head, unit below it, and its kind: "number", "heading" (of the row, one a table) or "text"."""

    head: str
    unit: str = ""
    kind: str = "number"


class Row(NamedTuple):
    """A table's row: cells as text; `note` is set small under the heading; `faded` for what a rule set aside."""

    cells: Sequence[str]
    note: str = ""
    faded: bool = False


class Sheet(NamedTuple):
    """A table of the page. `file` names the complete table beside the report, where there is one."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    file: str = ""


class Picture(NamedTuple):
    """A small picture as a data URI with its words."""

    source: str
    words: str
    alt: str


class Section(NamedTuple):
    """A section of the page, in reading order: text, figures, tables, pictures, listings."""

    id: str
    title: str
    text: Sequence[str] = ()
    drawings: Sequence[Drawing] = ()
    sheets: Sequence[Sheet] = ()
    pictures: Sequence[Picture] = ()
    listings: Sequence[tuple[str, str]] = ()
    folded: Sequence[Drawing] = ()


class Head(NamedTuple):
    """What stands above the sections: title, the answer's sentences, plain warnings, small facts (name, value), and what the page is."""

    title: str
    subtitle: str
    answer: Sequence[str]
    warnings: Sequence[str]
    facts: Sequence[tuple[str, str]]
    kind: str = "ranking report"


def render(head: Head, sections: Sequence[Section], date: str) -> str:
    """The page as one HTML text without any outside reference."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters["svg"] = lambda drawing: _safe(svg(drawing))
    folder = resources.files("analysis") / "templates"
    style, page = (folder.joinpath(name).read_text(encoding="utf-8") for name in ("report.css", "report.html"))
    return environment.from_string(page).render(head=head, sections=sections, date=date, style=_safe(style))


def _safe(text: str) -> Any:
    """Text that the template takes as it is: our own style sheet, and SVG whose text matplotlib has escaped."""
    import markupsafe

    return markupsafe.Markup(text)  # noqa: S704
