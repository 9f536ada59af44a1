"""A study's life from outside: launch it, go on with it, extend it, look at it."""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from search import ahead, borrowed, capture, earlier, evolve, storage
from search.belonging import refuse_ignorant, refuse_taken
from search.dryrun import refuse_unfit
from search.early import early
from search.errors import UserError
from search.held import held
from search.homes import HOME, STUDY, find, placed, refuse_unusable
from search.ledger import Ledger
from search.parts import Resources
from search.patience import Patience
from search.placing import refuse_unplaceable
from search.plan import Plan, plan
from search.probe import everywhere
from search.progress import Status, status_of
from search.run import Outcome, Place, Watcher, run, telling
from search.study import Study
from trainables.data.load import load
from trainables.home import Home

OPENING = 1.0
"""Most minutes that `launch` waits for a server that does not answer: its address may be wrong, which `resume` knows it is not."""

ENVIRONMENT = "environment.json"

SUBMITTED = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Environment variable that Ray gives to what its job server runs."""


def launch(
    study: Study | str | Path,
    home: str | Path = HOME,
    *,
    ledger: str | None = None,
    address: str | None = None,
    watcher: Watcher | None = None,
    measured: bool = True,
) -> Outcome:
    """Run a study from its beginning.

    Args:
        study: The study or the path of its file.
        home: Folder or URL that holds the studies' directories.
        ledger: URL of a database for the ledger; a file in the study's directory by default.
        address: A Ray cluster's address or "auto"; by default Ray is started on this machine.
        watcher: Is told every event.
        measured: Whether to try every method and time it first, which gives groups their size and the search a forecast. On another
            machine's Ray that is not done.

    Raises:
        UserError: If the study is at fault, its name exists, or its home or ledger cannot be used. Nothing has been created then.
        SearchFailed: If it could not go on.
    """
    study = _anchored(study if isinstance(study, Study) else Study.read(study))
    place = placed(home, study.name)
    url = storage.url_for(place, ledger, study.ledger_url)
    refuse_unusable(place)
    if place.exists(STUDY):
        words = f"go on with `altiplano resume {study.name}`, or change `name`"
        raise UserError(f"{study.name}: there is a study of this name in {home}; {words}")
    if place.local is None:
        _make_writable(place)  # before minutes of measuring
    told = telling(study, place, watcher)
    patience = Patience(min(OPENING, study.storage.patience) * 60, told)
    if storage.on_server(url):
        with storage.opened(url, patience=patience) as opened:  # before minutes of measuring
            patience(lambda again: refuse_taken(study.name, opened, url))
    if not address:
        refuse_unplaceable(study.resources)
    data = _loaded(study)
    refuse_unfit(study, data)
    known = _earlier(study, home) if study.earlier else None
    with nullcontext() if address else early(warm=study.resources == Resources(cpu=1, gpu=0)) as coming:
        planned = plan(study, data, told=lambda text: told("planning", text)) if measured and not address else None
        _make_writable(place)
        where = Place(place, str(home), address, watcher, coming=coming)
        if address:
            where = replace(where, seen=_seen(where, study))
        with held(study.name, place, url, patience, new=True) as (opened, lease):
            patience(lambda again: refuse_taken(study.name, opened, url))
            if known is not None:
                earlier.remember(place, known)
            if planned is not None:
                ahead.remember(place, planned.ahead)
            place.write(ENVIRONMENT, capture.as_json(capture.environment(data, borrowed.digests(study))))
            place.write(STUDY, _recorded(study, ledger).dump().encode())
            notes = (planned.headline,) if planned else ()
            return run(study, opened, where, lease, notes)


def _seen(where: Place, study: Study) -> frozenset[str]:
    """The machines of a cluster, all of which see the study's home, where nothing has been written yet."""
    try:
        return everywhere(where.home, where.url, str(where.address), borrowed.modules(study))
    except UserError:
        where.home.drop()
        raise


def resume(
    name: str,
    home: str | Path = HOME,
    *,
    configurations: int | None = None,
    seeds: int | None = None,
    changes: Mapping[str, str] | None = None,
    ledger: str | None = None,
    address: str | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Go on with a study where it stopped, or extend it.

    Args:
        name: The study's name.
        home: Folder or URL that holds the studies' directories.
        configurations: A larger budget.
        seeds: More seeds; only the missing members are trained.
        changes: Other values of the study file by dotted key: other ranges, another method (`methods.cvar: {}`).
        ledger, address, watcher: As in `launch`.

    Raises:
        UserError: If there is no such study, its ledger cannot be opened, another driver runs it, or something would change that may not.
        SearchFailed: If it could not go on.
    """
    before, place = find(name, home)
    study = evolve.extended(before, configurations=configurations, seeds=seeds, changes=changes)
    change = evolve.compare(before, study)
    if not address:
        refuse_unplaceable(study.resources)
    url = storage.url_of(place, ledger, before.ledger_url)
    with held(name, place, url, Patience(before.storage.patience * 60, telling(before, place, watcher))) as (opened, lease):
        if change:
            place.write(STUDY, study.dump().encode())
        notes = (*change.lines, *borrowed.changed(study, _own(place)))
        return run(study, opened, Place(place, str(home), address, watcher), lease, notes)


def check(study: Study) -> None:
    """Read the data, and see that every method can be trained on them with the study's net; starts nothing.

    Raises:
        UserError: If that cannot be: with every method that cannot, and what would do.
    """
    refuse_unfit(study, _loaded(study))


def forecast(study: Study | str | Path, told: Callable[[str], None] | None = None) -> Plan:
    """Try two batches of every method, time a few sizes, and say what the search will take; starts nothing.

    Args:
        study: The study, or the path of its file.
        told: Is told which method is being tried.

    Raises:
        UserError: If the study is at fault, its data cannot be read, or a method cannot run.
    """
    study = study if isinstance(study, Study) else Study.read(study)
    return plan(study, _loaded(study), told=told)


def status(name: str, home: str | Path = HOME, *, ledger: str | None = None) -> Status:
    """How far a study is.

    Raises:
        UserError: If there is no such study, or its ledger cannot be opened.
    """
    study, place = find(name, home)
    url = storage.url_of(place, ledger, study.ledger_url)
    with storage.opened(url, existing=True) as opened:
        refuse_ignorant(name, opened, url, place)
        return status_of(Ledger(study, opened, reading=True), place.url)


def _loaded(study: Study) -> Any:
    try:
        return load(**study.data)
    except (ValueError, OSError, ImportError) as error:
        raise UserError(f"data {study.data['name']}: {error}") from error


def _anchored(study: Study) -> Study:
    """The study with its data's path in full, so that `resume` finds them from any folder.

    A submitted study's stays: its folder is Ray's copy of what was shipped, at another place on every machine and after every `up`.
    """
    path = study.data.get("path")
    if not isinstance(path, str) or SUBMITTED in os.environ:
        return study
    return study.model_copy(update={"data": {**study.data, "path": str(Path(path).absolute())}})


def _own(place: Home) -> dict[str, str]:
    """Digests of the user's own modules when the study was launched."""
    return json.loads(place.read(ENVIRONMENT) or b"{}").get("own", {})


def _earlier(study: Study, home: str | Path) -> dict[str, list[dict[str, Any]]]:
    before, place = find(str(study.earlier), home)
    url = storage.url_of(place, None, before.ledger_url)
    with storage.opened(url, existing=True) as opened:
        refuse_ignorant(before.name, opened, url, place)
        return earlier.collect(study, before, opened)


def _recorded(study: Study, ledger: str | None) -> Study:
    """The study with the ledger that was given beside it, or by the environment, so that resume finds it."""
    ledger = ledger or os.environ.get(storage.VARIABLE)
    return study.model_copy(update={"ledger": storage.without_password(ledger)}) if ledger else study


def _make_writable(place: Home) -> None:
    try:
        place.write(".writable", b"")
        place.remove(".writable")
    except OSError as error:
        reason = error.strerror or str(error).removeprefix(f"{place.url}: ")
        words = f"the home must be a folder that can be written ({reason})"
        raise UserError(f"{place.url}: {words}; give another with --home") from error
