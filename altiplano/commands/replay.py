"""The command that replays a finished study."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from altiplano.options import HOME, HomeOption, JsonOption, Name


def replay(
    name: Name,
    home: HomeOption = HOME,
    sampler: Annotated[str, typer.Option("--sampler", help="Who proposes: tpe, gp, nsga2, cmaes, random or qmc.")] = "tpe",
    halving: Annotated[
        str | None, typer.Option("--halving", metavar="RUNGS[:KEEP]", help="Epochs of the rungs and the share that goes on: 5,15:0.34.")
    ] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", help="Seeds of each configuration; all there are by default.")] = None,
    repeats: Annotated[int, typer.Option("--repeats", help="How often, with other random numbers.")] = 10,
    together: Annotated[
        int | None, typer.Option("--together", help="Configurations of a group, among which halving chooses; the study's own by default.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What another sampler, rung schedule or seed count would have found: a finished study looked up instead of trained.

    A proposal is answered by the nearest configuration not used yet, so that every search ends with the same table: compare at a part of
    the epochs. Rungs go by accuracy and tail; stability is not known before the end.
    """
    import json

    from altiplano.replaying import benchmark, compared, rules_of
    from search.replay import unlearned

    rules_of(sampler, halving, 1 if seeds is None else seeds, 1 if together is None else together)  # before the study is read
    bench = benchmark(name, home)
    rules = rules_of(sampler, halving, bench.seeds if seeds is None else seeds, bench.together if together is None else together)
    rows = compared(bench, rules, repeats)
    console = Console()
    even = unlearned(bench.rows, rules)
    if even:
        words = f"{sampler} draws as random does throughout {', '.join(even)}: the table ends before its start-up does"
        Console(stderr=True).print(words, highlight=False, soft_wrap=True)
    if as_json:
        for row in rows:
            console.file.write(json.dumps(row) + "\n")
        return
    unit = f"share of the table's hypervolume ({', '.join(bench.objectives)})" if len(bench.objectives) > 1 else bench.objectives[0]
    console.print(_table(f"{name}: best so far, {unit}", sampler, rows))


def _table(title: str, sampler: str, rows: list[dict[str, float]]) -> Table:
    table = Table(title=title)
    for head in ("epochs", "members", "the study", "members", f"{sampler} replayed", "95 % interval"):
        table.add_column(head, justify="right")
    for row in rows:
        interval = f"{row['low']:.3f} to {row['high']:.3f}"
        counts = f"{row['epochs']:.0f}", f"{row['own_members']:.0f}", f"{row['own']:.3f}", f"{row['members']:.0f}"
        table.add_row(*counts, f"{row['mean']:.3f}", interval)
    return table
