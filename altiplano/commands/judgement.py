"""The commands that judge a study: rank and report it, let the best race with fresh seeds, take a winner away."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from altiplano.commands.running import failures
from altiplano.options import (
    EQUAL,
    HOME,
    STOPPED,
    AddressOption,
    HomeOption,
    LedgerOption,
    Name,
    QuietOption,
    RuleOption,
    WeightsOption,
    handed_over,
    weighed,
)


def report(
    name: Name,
    home: HomeOption = HOME,
    rule: RuleOption = "guarantee",
    weights: WeightsOption = EQUAL,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder to write to; report in the study's home by default, NAME-report here if that is a URL."),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Rank what a study found, finished or not, and write one page with figures and tables (CSV, JSON, Parquet, LaTeX)."""
    import analysis
    from search.errors import UserError
    from search.homes import home_of

    place = home_of(name, home)
    away = place.local is None and out is None
    try:
        page = analysis.report(place.url, rule=rule, weights=weighed(weights), out=Path(f"{name}-report") if away else out)
    except ValueError as error:
        raise UserError(f"altiplano report {name}: {error}") from error
    if away:
        for file in sorted(path for path in page.parent.rglob("*") if path.is_file()):
            place.write(f"report/{file.relative_to(page.parent).as_posix()}", file.read_bytes())
    handed_over(page, show=show)


def confirm(
    name: Name,
    home: HomeOption = HOME,
    top: Annotated[
        int | None,
        typer.Option(
            "--top",
            min=1,
            help="How many race, ERM beside them; by default the study file's, else five or twice those that cannot be told from the best.",
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", min=1, help="Most fresh seeds of each; the study file's by default.")] = None,
    of_each: Annotated[
        bool, typer.Option("--each", help="The best of every method, all with the same fresh seeds; nobody drops out.")
    ] = False,
    rule: RuleOption = "guarantee",
    weights: WeightsOption = EQUAL,
    ledger: LedgerOption = None,
    address: AddressOption = None,
    quiet: QuietOption = False,
) -> None:
    """Train the best few with fresh seeds on the test split, until one is clearly best, they tie, or the budget ends.

    --rule chooses who races; the race itself is about the utility, as --weights makes it.
    With --each there is no race: methods are compared, not a winner sought.

    The report then leads with these figures, and says by how much the search's own were too good.
    Stopped or killed, it goes on when called again.
    """
    from altiplano.confirm import each, race
    from altiplano.display import Style, Terminal, watching
    from search.errors import UserError
    from search.homes import elsewhere

    if of_each and top is not None:
        raise UserError("altiplano confirm: --each trains the best of every method, so --top has no meaning beside it; leave one out")
    console, of_scores = Terminal(quiet=quiet), weighed(weights)

    def say(line: str) -> None:
        console.print(Text(line), soft_wrap=True)

    with failures(), watching(console, Style.QUIET if quiet else Style.AUTO) as watcher:
        if of_each:
            outcome = each(name, home, seeds, rule, ledger, address, watcher, say, of_scores)
        else:
            outcome = race(name, home, top, seeds, rule, ledger, address, watcher, say, of_scores)
    if outcome and outcome.stopped:
        given = {"--top": top, "--seeds": seeds, "--rule": rule, "--weights": weights}
        usual = {"--top": None, "--seeds": None, "--rule": "guarantee", "--weights": EQUAL}
        same = "".join(f" {option} {value}" for option, value in given.items() if value != usual[option])
        again = f"{name}{' --each' if of_each else ''}{same}{elsewhere(home, address)}"
        say(f"stopped, everything is saved; go on with: altiplano confirm {again}")
        raise typer.Exit(STOPPED)
    say(f"next: altiplano report {name}{elsewhere(home)}")


def export(
    name: Name,
    home: HomeOption = HOME,
    rank: Annotated[int, typer.Option("--rank", help="Which configuration, by its place in the ranking that the report leads with.")] = 1,
    rule: RuleOption = "guarantee",
    weights: WeightsOption = EQUAL,
    seed: Annotated[int, typer.Option("--seed", help="Seed to train it with.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write to; export/rank-N in the study's home by default.")] = None,
) -> None:
    """Train the configuration of a rank once more and pack it for plain PyTorch.

    Ranks are those of the report: after `altiplano confirm`, of the confirmed figures.

    Writes its numbers (configuration.yaml, a study file), weights (safetensors), the model as a torch.export program, the test split, and
    use.py, which loads them without Altiplano and reproduces the test accuracy.
    """
    import json

    from altiplano.export import export as exported

    folder, chosen, among = exported(name, home, rank, rule, weighed(weights), seed, out)
    found = json.loads((folder / "about.json").read_text())
    which = f"rank {rank} of {among}: {chosen.method} {chosen.configurations[0].number}"
    line = f"{which}, seed {seed}: test accuracy {found['test_accuracy']:.4f}"
    Console().print(Text(f"{line}\n{folder}\ntry it: python {folder / 'use.py'}"), soft_wrap=True)


def track(
    name: Name,
    to: Annotated[str, typer.Option("--to", help="tensorboard or mlflow.")],
    home: HomeOption = HOME,
    into: Annotated[
        str | None,
        typer.Option("--into", help="Folder of event files, or URI of an MLflow server or database; in the study's home by default."),
    ] = None,
) -> None:
    """Hand the members that have ended over to TensorBoard or MLflow: a run each, with its knobs, curves and scores.

    Called again, while the search goes on or later, it adds what has ended since. MLflow needs `pip install 'altiplano[mlflow]'`.
    """
    from altiplano.tracking.handing import hand_over
    from altiplano.tracking.trackers import TRACKERS
    from search.storage import without_password

    written, held, address = hand_over(name, home, to, into)
    shown = without_password(address)
    Console().print(Text(f"{written} runs written, {held} in all\n{shown}\nlook: {TRACKERS[to].look(shown)}"), soft_wrap=True)
