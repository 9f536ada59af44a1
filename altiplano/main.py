"""The command line: every command says what it does, what it needs and how it ends.

Exit codes: 0 done, 1 failed while running, 2 the input is at fault, 3 stopped by the user with everything saved.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from altiplano.display import Style

DONE, FAILED, AT_FAULT, STOPPED = 0, 1, 2, 3
"""Exit codes."""

HOME = "studies-home"

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
  altiplano launch studies/digits.yaml   search; Ctrl-C saves and leaves
  altiplano resume digits                go on where it stopped
  altiplano report digits                rank, and write one page

Exit codes: 0 done, 1 failed while running, 2 the input is at fault, 3 stopped by you with everything saved.""",
)

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The study's name.")]
HomeOption = Annotated[str, typer.Option("--home", help="Folder or URL that holds the studies.", envvar="ALTIPLANO_HOME")]
LedgerOption = Annotated[
    str | None,
    typer.Option("--ledger", help="URL of a database for the ledger; a file in the study's home by default.", envvar="ALTIPLANO_LEDGER"),
]
AddressOption = Annotated[
    str | None, typer.Option("--address", help="A Ray cluster's address, or auto on its head; Ray on this machine by default.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the study file's KEY (dotted) for this run; may be repeated.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


def main() -> None:
    """Run the command line; a user's mistake is one line and no traceback."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    from search.errors import UserError

    try:
        app(args=arguments, prog_name="altiplano")
    except UserError as error:
        Console(stderr=True).print(Text(str(error)), soft_wrap=True)
        return AT_FAULT
    except SystemExit as leaving:  # how Typer ends every command, misused ones with 2
        return leaving.code if isinstance(leaving.code, int) else DONE
    return DONE


@app.command()
def check(study: StudyFile, changes: SetOption = None) -> None:
    """Name every fault of a study file: its line, what must hold, what was given, what is nearest. Starts nothing."""
    from search import Study

    found = Study.read(study, _pairs(changes))
    console = Console()
    console.print(f"{study}: no faults; {_extent(found)}", highlight=False, soft_wrap=True)


@app.command()
def launch(
    study: StudyFile,
    home: HomeOption = HOME,
    ledger: LedgerOption = None,
    address: AddressOption = None,
    changes: SetOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run a study from its beginning.

    Ctrl-C once: every worker finishes its epoch, saves and leaves. Twice: leave now; at most the work since the last checkpoint is lost.
    """
    import search

    found = search.Study.read(study, _pairs(changes))
    _searched(
        lambda watcher: search.launch(found, home, ledger=ledger, address=address, watcher=watcher), home, quiet=quiet, as_json=as_json
    )


@app.command()
def resume(
    name: Name,
    home: HomeOption = HOME,
    configurations: Annotated[int | None, typer.Option("--configurations", help="A larger budget of every method.")] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", help="More seeds; only the missing members are trained.")] = None,
    changes: SetOption = None,
    ledger: LedgerOption = None,
    address: AddressOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Go on with a study that was stopped or killed, and end with exactly the configurations that were asked for.

    It may be extended: more configurations or seeds, another range (--set methods.sam.rho="[0.01, 1]"), another method
    (--set methods.cvar={}). What is new is printed; data, net, training and objectives may not change.
    """
    import search

    wanted = {"configurations": configurations, "seeds": seeds, "changes": _pairs(changes)}
    _searched(
        lambda watcher: search.resume(name, home, **wanted, ledger=ledger, address=address, watcher=watcher),
        home,
        quiet=quiet,
        as_json=as_json,
    )


@app.command()
def status(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The study's name; all studies by default.")] = None,
    home: HomeOption = HOME,
    ledger: LedgerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how far a study is, the best so far, what is in flight, what failed and why."""
    import json
    from dataclasses import asdict

    import search

    console = Console()
    chosen = [name] if name else search.names(home)
    if not chosen:
        console.print(f"no studies in {home}; start one with `altiplano launch STUDY.yaml`", highlight=False, soft_wrap=True)
    for one in chosen:
        found = search.status(one, home, ledger=ledger)
        console.print(Text(json.dumps(asdict(found)) if as_json else str(found)), soft_wrap=True)


@app.command()
def confirm(
    name: Name,
    home: HomeOption = HOME,
    top: Annotated[int | None, typer.Option("--top", help="How many race, ERM beside them; the study file's by default.")] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", help="Most fresh seeds of each; the study file's by default.")] = None,
    rule: Annotated[str, typer.Option("--rule", help="The ranking's rule.")] = "guarantee",
    ledger: LedgerOption = None,
    address: AddressOption = None,
    quiet: QuietOption = False,
) -> None:
    """Train the best few with fresh seeds on the test split, until one is clearly best, they tie, or the budget ends.

    The report then leads with these figures, and says by how much the search's own were too good.
    Stopped or killed, it goes on when called again.
    """
    from altiplano.confirm import race
    from altiplano.display import watching

    console = Console(quiet=quiet)

    def say(line: str) -> None:
        console.print(Text(line), soft_wrap=True)

    with _failures(), watching(console, Style.QUIET if quiet else Style.AUTO) as watcher:
        outcome = race(name, home, top, seeds, rule, ledger, address, watcher, say)
    if outcome and outcome.stopped:
        say(f"stopped, everything is saved; go on with: altiplano confirm {name}")
        raise typer.Exit(STOPPED)
    say(f"next: altiplano report {name}{'' if home == HOME else f' --home {home}'}")


@app.command()
def report(
    name: Name,
    home: HomeOption = HOME,
    rule: Annotated[str, typer.Option("--rule", help="guarantee, mean, tail, stability, pareto or oracle.")] = "guarantee",
    weights: Annotated[str, typer.Option("--weights", help="Weight of each score in the utility.")] = "mean=.5,tail=.5",
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write to; the study's own by default.")] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Rank what a study found, finished or not, and write one page with figures and tables (CSV, JSON, Parquet, LaTeX)."""
    import analysis
    from search.errors import UserError
    from search.launch import find

    _, place = find(name, home)
    try:
        page = analysis.report(place.url, rule=rule, weights=_weights(weights), out=out)
    except ValueError as error:
        raise UserError(f"altiplano report {name}: {error}") from error
    Console().print(Text(str(page)), soft_wrap=True)
    if show:
        typer.launch(page.resolve().as_uri())


@app.command()
def export(
    name: Name,
    home: HomeOption = HOME,
    rank: Annotated[int, typer.Option("--rank", help="Which configuration, by its place in the ranking.")] = 1,
    rule: Annotated[str, typer.Option("--rule", help="The ranking's rule.")] = "guarantee",
    seed: Annotated[int, typer.Option("--seed", help="Seed to train it with.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write to; export/rank-N in the study's home by default.")] = None,
) -> None:
    """Train the configuration of a rank once more and pack it for plain PyTorch.

    Writes its numbers (configuration.yaml, a study file), weights (safetensors), the model as a torch.export program, the test split, and
    use.py, which loads them without Altiplano and reproduces the test accuracy.
    """
    import json

    from altiplano.export import export as exported

    folder, chosen = exported(name, home, rank, rule, seed, out)
    found = json.loads((folder / "about.json").read_text())
    line = f"{chosen.method} {chosen.configurations[0].number}, seed {seed}: test accuracy {found['test_accuracy']:.4f}"
    Console().print(Text(f"{line}\n{folder}\ntry it: python {folder / 'use.py'}"), soft_wrap=True)


@app.command()
def data(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A public data set; all of them by default.")] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Download it into the cache, checked by checksum.")] = False,
) -> None:
    """List the data sets a study file may name; with NAME and --fetch: download a public one."""
    from search.errors import UserError
    from trainables.data import public
    from trainables.data.load import SOURCES

    console = Console()
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


@app.command()
def doctor(home: HomeOption = HOME) -> None:
    """Check this machine: versions, devices, write access, and that a member alone equals the member in a group."""
    from altiplano.doctor import examine

    findings = examine(home)
    console = Console()
    for finding in findings:
        console.print(Text(f"{'ok   ' if finding.fine else 'FAULT'} {finding.text}"), soft_wrap=True)
    raise typer.Exit(DONE if all(finding.fine for finding in findings) else FAILED)


@app.command("methods")
def methods_(name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A method, or a strategy of one axis.")] = None) -> None:
    """List the training methods; with a NAME: what it computes, its knobs, ranges and sources, and what a step costs, measured."""
    from altiplano import describe

    Console().print(describe.detail(name) if name else describe.overview())


def _searched(start: Callable[[Any], Any], home: str, *, quiet: bool, as_json: bool) -> None:
    """Run a search under a display, say how it ended and leave with its exit code.

    Raises:
        typer.Exit: Always.
    """
    from altiplano.display import watching

    console = Console()
    style = Style.QUIET if quiet else Style.JSON if as_json else Style.AUTO
    with _failures(), watching(console, style) as watcher:
        outcome = start(watcher)
    if style is Style.AUTO:
        console.print(Text(_farewell(outcome, home)), soft_wrap=True)
    raise typer.Exit(STOPPED if outcome.stopped else DONE)


@contextmanager
def _failures() -> Iterator[None]:
    """Say in one line why a search could not go on, or that the user left at once.

    Raises:
        typer.Exit: Then.
    """
    import search

    try:
        yield
    except search.SearchFailed as error:
        Console(stderr=True).print(Text(str(error)), soft_wrap=True)
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt:
        Console(stderr=True).print("left at once; what is not in a checkpoint is trained again")
        raise typer.Exit(STOPPED) from None


def _farewell(outcome: Any, home: str) -> str:
    name, elsewhere = outcome.status.name, "" if home == HOME else f" --home {home}"
    if outcome.stopped:
        return f"stopped, everything is saved; go on with: altiplano resume {name}{elsewhere}"
    return f"{outcome.status}\nnext: altiplano report {name}{elsewhere}"


def _extent(study: Any) -> str:
    budgets = {name: study.budget_of(name) for name in study.methods}
    members = sum(budgets.values()) * study.seeds
    configurations = f"{sum(budgets.values())} configurations x {study.seeds} seeds"
    return f"{len(budgets)} methods, {configurations} = {members} members of {study.training.epochs} epochs"


def _pairs(changes: list[str] | None) -> dict[str, str]:
    from search.errors import UserError

    pairs = {}
    for change in changes or []:
        key, given, value = change.partition("=")
        if not given or not key:
            raise UserError(f"--set must be KEY=VALUE, as in --set budget.configurations=8, got {change!r}")
        pairs[key] = value
    return pairs


def _weights(text: str) -> dict[str, float]:
    from search.errors import UserError

    try:
        return {key.strip(): float(value) for key, _, value in (part.partition("=") for part in text.split(","))}
    except ValueError as error:
        raise UserError(f"--weights must be like mean=.5,tail=.5, got {text!r}") from error
