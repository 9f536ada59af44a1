"""Running a study: launch and resume are one Tune run over the ledger, each time a fresh one."""

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune import Callback

from search import capture, cluster, storage
from search.errors import UserError
from search.ledger import Ledger
from search.progress import Clock, Status, status_of
from search.searcher import GroupSearcher
from search.study import Study
from trainables.data.load import load
from trainables.home import Home
from trainables.job import STOP
from trainables.trainable import GroupTrainable

HOME = "studies-home"
"""Where studies are kept unless said otherwise."""

STUDY, ENVIRONMENT, SCRATCH = "study.yaml", "environment.json", ".tune"


class SearchFailed(RuntimeError):  # noqa: N818 it is what the command line ends with, exit code 1
    """The search could not go on; what was finished is kept and `resume` goes on from there."""


@dataclass(frozen=True)
class Event:
    """Something that happened in a run.

    Attributes:
        kind: "started", "asked", "epoch", "settled", "failed", "note", "stopping" or "ended".
        text: One line about it.
        status: How far the study is now; counted when it is called.
    """

    kind: str
    text: str
    status: Callable[[], Status]


Watcher = Callable[[Event], None]


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        status: How far the study is.
        stopped: Whether the user stopped it, with everything saved.
    """

    status: Status
    stopped: bool


def launch(
    study: Study | str | Path,
    home: str | Path = HOME,
    *,
    ledger: str | None = None,
    address: str | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Run a study from its beginning.

    Args:
        study: The study or the path of its file.
        home: Folder or URL that holds the studies' directories.
        ledger: URL of a database for the ledger; a file in the study's directory by default.
        address: A Ray cluster's address or "auto"; by default Ray is started on this machine.
        watcher: Is told every event.

    Raises:
        UserError: If the study is at fault, its name exists, or its home or ledger cannot be used. Nothing has been created then.
        SearchFailed: If it could not go on.
    """
    study = study if isinstance(study, Study) else Study.read(study)
    place = Home(f"{home}/{study.name}")
    if place.exists(STUDY):
        raise UserError(
            f"{study.name}: there is a study of this name in {home}; go on with `altiplano resume {study.name}`, or change `name`"
        )
    url = storage.url_for(place, ledger or study.ledger)
    data = _loaded(study)
    _make_writable(place)
    place.write(ENVIRONMENT, capture.as_json(capture.environment(data)))
    opened = storage.connect(url)
    place.write(STUDY, study.dump().encode())
    return _run(Ledger(study, opened), place, str(home), address, watcher)


def resume(
    name: str,
    home: str | Path = HOME,
    *,
    ledger: str | None = None,
    address: str | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Go on with a study where it stopped; the arguments are those of `launch`.

    Raises:
        UserError: If there is no such study, or its ledger cannot be opened.
        SearchFailed: If it could not go on.
    """
    study, place = find(name, home)
    opened = storage.connect(storage.url_for(place, ledger or study.ledger))
    return _run(Ledger(study, opened), place, str(home), address, watcher)


def status(name: str, home: str | Path = HOME, *, ledger: str | None = None) -> Status:
    """How far a study is.

    Raises:
        UserError: If there is no such study, or its ledger cannot be opened.
    """
    study, place = find(name, home)
    opened = storage.connect(storage.url_for(place, ledger or study.ledger), existing=True)
    return status_of(Ledger(study, opened, reading=True), place.url)


def find(name: str, home: str | Path = HOME) -> tuple[Study, Home]:
    """A study by its name, and its home.

    Raises:
        UserError: If there is none.
    """
    place = Home(f"{home}/{name}")
    content = place.read(STUDY)
    if content is None:
        there = ", ".join(names(home)) or "none"
        raise UserError(
            f"{name}: there is no such study in {home} (there: {there}); give --home, or start it with `altiplano launch STUDY.yaml`"
        )
    return Study.parse(content.decode(), place.at(STUDY)), place


def names(home: str | Path = HOME) -> list[str]:
    """Names of the studies in a folder."""
    parent = Home(str(home))
    return [name for name in parent.names(".") if parent.exists(f"{name}/{STUDY}")] if parent.local else []


def _loaded(study: Study) -> Any:
    try:
        return load(**study.data)
    except (ValueError, OSError, ImportError) as error:
        raise UserError(f"data {study.data['name']}: {error}") from error


def _make_writable(place: Home) -> None:
    try:
        place.write(".writable", b"")
        place.remove(".writable")
    except OSError as error:
        raise UserError(
            f"{place.url}: the home must be a folder that can be written ({error.strerror}); give another with --home"
        ) from error


def _run(ledger: Ledger, place: Home, parent: str, address: str | None, watcher: Watcher | None) -> Outcome:
    clock = Clock(time.monotonic(), status_of(ledger, place.url).done)

    def told(kind: str, text: str) -> None:
        if watcher:
            watcher(Event(kind, text, lambda: status_of(ledger, place.url, clock)))

    place.remove(STOP)
    parent = str(Path(parent).absolute()) if place.local else parent
    resources = ledger.study.resources
    searcher = GroupSearcher(ledger, place, parent, told, lambda: cluster.slots(resources.cpu, resources.gpu))
    clock.live = searcher.live
    told("started", f"{ledger.study.name} in {place.url}")
    if not ledger.complete:
        with cluster.cluster(address), _stoppable(searcher, place, told):
            _tune(searcher, ledger.study, place)
    if searcher.trouble:
        raise SearchFailed(f"{ledger.study.name}: {searcher.trouble}; `altiplano resume {ledger.study.name}` goes on") from searcher.trouble
    told("ended", "stopped" if searcher.stopping else "done")
    return Outcome(status_of(ledger, place.url, clock), searcher.stopping and not ledger.complete)


class _Reasons(Callback):
    """Tells the searcher why a group failed, which Tune keeps from searchers."""

    def __init__(self, searcher: GroupSearcher) -> None:
        self.searcher = searcher

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.searcher.on_trial_failed(trial.trial_id, reason_of(trial.get_error()))


def reason_of(error: BaseException | None) -> str:
    """The last words of an error of a worker, in one line."""
    if error is None:
        return "it ended without a reason"
    cause = getattr(error, "cause", None)
    shown = cause if isinstance(cause, BaseException) else error
    lines = [line.strip() for line in str(shown).splitlines() if line.strip()]
    return f"{type(shown).__name__}: {lines[-1] if lines else 'no message'}"


def _tune(searcher: GroupSearcher, study: Study, place: Home) -> None:
    scratch = place.local / SCRATCH if place.local else None
    try:
        tune.run(
            tune.with_resources(GroupTrainable, {"cpu": study.resources.cpu, "gpu": study.resources.gpu}),
            name="run",
            search_alg=searcher,
            num_samples=-1,
            reuse_actors=True,
            max_failures=study.retries,
            raise_on_failed_trial=False,
            storage_path=str(scratch.absolute()) if scratch else place.at(SCRATCH),
            trial_dirname_creator=lambda trial: trial.trial_id,
            callbacks=[_Reasons(searcher)],
            verbose=0,
        )
    finally:
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _stoppable(searcher: GroupSearcher, place: Home, told: Callable[[str, str], None]) -> Iterator[None]:
    """Make the first Ctrl-C (or a polite kill) ask every worker to save and leave, and the second end at once."""

    def stop(signum: int, frame: Any) -> None:
        if searcher.stopping:
            raise KeyboardInterrupt
        searcher.stopping = True
        place.write(STOP, b"")
        told("stopping", "finishing the epoch and saving; once more to leave at once")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        place.remove(STOP)
