"""The command that says, before a search, what it will take."""

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from altiplano.options import JsonOption, SetOption, StudyFile, pairs


def plan(study: StudyFile, changes: SetOption = None, as_json: JsonOption = False) -> None:
    """Forecast a search: time, memory, disk and the size of each method's groups. Starts nothing.

    Every method is tried for two batches, and a few group sizes are timed; these times stay in the user's cache, so that a second
    plan is faster. The forecast is for this machine; when a search has ended it says by how much it was off.
    """
    import search

    console = Console()
    found = search.Study.read(study, pairs(changes))
    with console.status("") as shown:
        planned = search.forecast(found, shown.update)
    if as_json:
        print(json.dumps(asdict(planned)))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading, _ in planned.methods[0].columns:
        table.add_column(heading, justify="left" if heading == "method" else "right")
    for method in planned.methods:
        table.add_row(*(text for _, text in method.columns))
    console.print(Text(planned.headline), soft_wrap=True)
    console.print(table)
    console.print(Text(f"next: altiplano launch {study}"), soft_wrap=True)
