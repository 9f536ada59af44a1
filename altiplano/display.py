"""What a running search shows: one live display in a terminal, plain lines elsewhere, JSON lines for programs."""

import json
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from enum import StrEnum

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from search import Event, Status
from search.amounts import counted, duration
from search.run import Watcher

PLAIN_EVERY = 10.0
"""Seconds between two progress lines where there is no terminal."""

SHOWN_NOTES = 4

SAID = frozenset({"planning", "failed", "note", "changed", "stopping"})
"""Kinds of events whose text is shown; of the others, how far the study is."""


class Style(StrEnum):
    """How much is shown, and to whom."""

    AUTO = "auto"
    QUIET = "quiet"
    JSON = "json"


class Terminal(Console):
    """Where a search prints. The search goes on where the reader has gone, as in `altiplano launch ... | head`."""

    def on_broken_pipe(self) -> None:
        """Rich prints to nowhere from now on, and would then end the command."""
        with suppress(SystemExit):
            super().on_broken_pipe()


@contextmanager
def watching(console: Terminal, style: Style) -> Iterator[Watcher]:
    """A watcher for `search.launch`, fit for the terminal there is."""
    if style is Style.QUIET:
        yield lambda event: None
    elif style is Style.JSON:
        yield lambda event: console.out(json.dumps(_plain(event)), highlight=False)
    elif console.is_terminal:
        board = Board()
        with Live(board, console=console, refresh_per_second=4, transient=False) as live:
            yield lambda event: _refresh(board, live, event)
    else:
        yield Lines(console).tell


class Board:
    """The live display: a bar a method, what is in flight, the best so far and the latest notes."""

    def __init__(self) -> None:
        self.status: Status | None = None
        self.notes: deque[str] = deque(maxlen=SHOWN_NOTES)

    def tell(self, event: Event) -> None:
        """Take in an event."""
        self.status = event.status()
        if event.kind in SAID:
            self.notes.append(event.text)

    def __rich__(self) -> RenderableType:
        if self.status is None:
            return Text("starting Ray ...")
        notes = [Text(note, style="yellow") for note in self.notes]
        return Group(Text(headline(self.status), style="bold"), _methods(self.status), _groups(self.status), *notes)


class Lines:
    """Plain lines: one when something ends, one every few seconds while nothing does."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.last = 0.0

    def tell(self, event: Event) -> None:
        """Take in an event."""
        if event.kind == "epoch" and time.monotonic() - self.last < PLAIN_EVERY:
            return
        if event.kind == "asked":
            return
        self.last = time.monotonic()
        line = event.text if event.kind in SAID else headline(event.status())
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)


def headline(status: Status) -> str:
    """One line: how far, how fast, how long still."""
    parts = [f"{status.name}: {status.done} of {counted(status.budget, 'configuration')}"]
    if status.members_per_second:
        parts.append(f"{status.members_per_second:.2g} members/s")
    if status.seconds_left and not status.complete:
        parts.append(f"about {duration(status.seconds_left)} left")
    if status.seconds is not None:
        parts.append(f"{duration(status.seconds)} so far")
    if status.failures:
        parts.append(f"{len(status.failures)} failed")
    return ", ".join(parts)


def _methods(status: Status) -> RenderableType:
    table = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
    objectives = list(dict.fromkeys(name for method in status.methods for name in method.best))
    for column in ("method", "", "done", "pruned", *(f"best {name}" for name in objectives)):
        table.add_column(column, justify="left" if column in {"method", ""} else "right")
    for method in status.methods:
        best = [f"{method.best[name]:.3f}" if name in method.best else "-" for name in objectives]
        bar = ProgressBar(total=method.budget, completed=method.done, width=24)
        table.add_row(method.name, bar, f"{method.done}/{method.budget}", str(method.pruned or "-"), *best)
    return table


def _groups(status: Status) -> RenderableType:
    lines = []
    for group in status.groups:
        epoch = f"epoch {group.epoch} of {status.epochs}" if group.epoch is not None else "starting"
        members = group.members if group.members is not None else group.configurations * status.seeds
        where = f" on {group.host}" if group.host else ""
        lines.append(Text(f"  {group.name}: {members} members, {epoch}{where}", style="dim"))
    return Group(*lines)


def _refresh(board: Board, live: Live, event: Event) -> None:
    board.tell(event)
    if event.kind == "ended":
        live.refresh()


def _plain(event: Event) -> dict[str, object]:
    return {"kind": event.kind, "text": event.text, "status": asdict(event.status())}
