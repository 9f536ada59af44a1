"""The commands of a search: check a study file, launch and resume a study, say how far it is."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from altiplano.commands.remote import AskedServerOption, ClusterOption, remote_status
from altiplano.commands.running import searched
from altiplano.options import HOME, AddressOption, HomeOption, JsonOption, LedgerOption, Name, QuietOption, SetOption, StudyFile, pairs


def check(study: StudyFile, changes: SetOption = None) -> None:
    """Name every fault of a study file: its line, what must hold, what was given, what is nearest. Starts nothing.

    The data are read, too: a method that cannot be trained on them, or with the study's net, is refused with the reason.
    """
    import search

    found = search.Study.read(study, pairs(changes))
    search.check(found)
    console = Console()
    console.print(f"{study}: no faults; {_extent(found)}", highlight=False, soft_wrap=True)


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
    Where nobody reads any more what is printed, the search goes on.
    """
    import search

    found = search.Study.read(study, pairs(changes))
    searched(
        lambda watcher: search.launch(found, home, ledger=ledger, address=address, watcher=watcher),
        home,
        address,
        quiet=quiet,
        as_json=as_json,
    )


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

    wanted = {"configurations": configurations, "seeds": seeds, "changes": pairs(changes)}
    searched(
        lambda watcher: search.resume(name, home, **wanted, ledger=ledger, address=address, watcher=watcher),
        home,
        address,
        quiet=quiet,
        as_json=as_json,
    )


def status(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The study's name; all studies by default.")] = None,
    home: HomeOption = HOME,
    ledger: LedgerOption = None,
    cluster: ClusterOption = None,
    address: AskedServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how far a study is, the best so far, what is in flight, what failed and why.

    With --cluster or --address: of a study that was submitted there.
    """
    import json
    from dataclasses import asdict

    import search
    from search.errors import UserError

    if cluster or address:
        if not name:
            raise UserError("which study? a cluster is asked about one: altiplano status NAME --cluster cluster.yaml")
        remote_status(name, cluster, address, as_json=as_json)

    console = Console()
    chosen = [name] if name else search.names(home)
    if not chosen:
        console.print(f"no studies in {home}; start one with `altiplano launch STUDY.yaml`", highlight=False, soft_wrap=True)
    lacking = []
    for one in chosen:
        try:
            found = search.status(one, home, ledger=ledger)
        except UserError as error:
            lacking.append(str(error))
            continue
        console.print(Text(json.dumps(asdict(found)) if as_json else str(found)), soft_wrap=True)
    if lacking:
        raise UserError("\n".join(lacking))


def _extent(study: Any) -> str:
    from search.amounts import counted

    budgets = {name: study.budget_of(name) for name in study.methods}
    members = sum(budgets.values()) * study.seeds
    configurations = f"{counted(sum(budgets.values()), 'configuration')} x {counted(study.seeds, 'seed')}"
    trained = f"{counted(members, 'member')} of {counted(study.training.epochs, 'epoch')}"
    return f"{counted(len(budgets), 'method')}, {configurations} = {trained}"
