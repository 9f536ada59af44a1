"""A claim's studies carried out: searched, then confirmed with fresh seeds, each from wherever it was."""

from collections.abc import Callable
from pathlib import Path

import search
from altiplano.confirm import each
from benchmarks.measure import ROOT
from search import cluster

Say = Callable[[str], None]

STUDIES = ROOT / "studies" / "claims"
RULE = "guarantee"


class Stopped(Exception):  # noqa: N818 the user's wish, not an error
    """The user stopped a study; everything is saved."""


def carry_out(name: str, home: str, processors: int | None, say: Say) -> None:
    """Search a study and train each method's best with fresh seeds; nothing is done twice.

    Args:
        name: Name of a file in studies/claims.
        home: Folder that holds the studies' directories.
        processors: How many CPUs Ray may use; all by default.
        say: Is told how it goes.

    Raises:
        Stopped: If the user stopped it.
        UserError: If the study or the home is at fault.
        SearchFailed: If it could not go on.
    """
    study = search.Study.read(STUDIES / f"{name}.yaml")

    def watcher(event: search.Event) -> None:
        if event.kind in ("started", "settled", "failed", "note"):
            say(f"{name}: {event.text}")

    with cluster.cluster(processors=processors):
        if name in search.names(home):  # the file may ask for more than when it was begun
            outcome = search.resume(name, home, configurations=study.budget.configurations, seeds=study.seeds, watcher=watcher)
        else:
            outcome = search.launch(study, home, watcher=watcher)
        if not outcome.stopped:
            outcome = each(name, home, None, RULE, None, None, watcher, lambda line: say(f"{name}: {line}")) or outcome
    if outcome.stopped:
        raise Stopped


def folder(name: str, home: str) -> str:
    """A study's folder."""
    return str(Path(home) / name)
