"""One Tune run over a study's ledger, from the lease to the last group; launch, resume and confirm are this."""

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from optuna.storages import RDBStorage
from ray import tune
from ray.exceptions import RayError

from search import ahead, borrowed, cluster, earlier
from search.attendant import Attendant
from search.devices import Devices
from search.errors import UserError
from search.files import Told
from search.homes import elsewhere
from search.lease import Lease
from search.ledger import Ledger
from search.logs import trials_unsaid
from search.page import Group
from search.patience import PASSING, Patience, reason
from search.placing import refuse_unplaceable
from search.probe import Probe
from search.progress import Clock, Status, nothing_yet, status_of
from search.searcher import GroupSearcher
from search.study import Study
from trainables.home import Home
from trainables.job import STOP
from trainables.remote import Unreachable
from trainables.trainable import GroupTrainable

JOURNAL = ("-wal", "-shm")
"""Ends of the names of SQLite's own files, which go when the ledger is closed."""

SCRATCH = ".tune"
"""What Tune writes in a study's home while it runs, or in a folder of this machine: nothing that we read."""


class SearchFailed(RuntimeError):  # noqa: N818 it is what the command line ends with, exit code 1
    """The search could not go on; what was finished is kept and `resume` goes on from there."""


@dataclass(frozen=True)
class Event:
    """Something that happened in a run.

    Attributes:
        kind: "planning", "started", "changed", "asked", "epoch", "settled", "failed", "note", "stopping" or "ended".
        text: One line about it.
        status: How far the study is now; counted when it is called.
    """

    kind: str
    text: str
    status: Callable[[], Status]


Watcher = Callable[[Event], None]


def telling(study: Study, home: Home, watcher: Watcher | None) -> Told:
    """Tells a watcher what happens before the ledger is open, when there is nothing to count."""
    if watcher is None:
        return lambda kind, text: None
    return lambda kind, text: watcher(Event(kind, text, lambda: nothing_yet(study, home.url)))


Listed = Callable[[Ledger], list[Group]]


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        status: How far the study is.
        stopped: Whether the user stopped it, with everything saved.
    """

    status: Status
    stopped: bool


@dataclass(frozen=True)
class Place:
    """Where a study is run.

    Attributes:
        home: The study's home.
        parent: The folder or URL that holds it.
        address: A Ray cluster's address, or None for a Ray of our own.
        watcher: Is told every event.
        seen: Machines of the cluster that have been found to see the home, by Ray's id.
        coming: A Ray of our own that is being started already, if one is.
    """

    home: Home
    parent: str
    address: str | None = None
    watcher: Watcher | None = None
    seen: frozenset[str] = frozenset()
    coming: cluster.Coming | None = None

    @property
    def url(self) -> str:
        """The home's full path or URL, which a worker of any working folder can use."""
        return str(self.home.local.absolute()) if self.home.local else self.home.url

    def again(self, name: str) -> str:
        """The command that goes on here."""
        return f"altiplano resume {name}{elsewhere(self.parent, self.address)}"


def run(
    study: Study, storage: RDBStorage, place: Place, lease: Lease, notes: tuple[str, ...] = (), listed: Listed | None = None
) -> Outcome:
    """Search until every budget is met, the user stops, or nothing goes on.

    Args:
        study: The study.
        storage: Its ledger's storage.
        place: Where to run it.
        lease: The study's lease, held.
        notes: What has changed in the study, to be told.
        listed: Asks the ledger for what is to be trained, in place of the search; `confirm` is that.

    Raises:
        SearchFailed: If it could not go on.
    """
    try:
        return _run(study, storage, place, lease, notes, listed)
    except PASSING as error:
        raise SearchFailed(f"{study.name}: the ledger cannot be used ({reason(error)}); `{place.again(study.name)}` goes on") from error
    except Unreachable as error:
        raise SearchFailed(f"{study.name}: {error}; `{place.again(study.name)}` goes on") from error


def _run(study: Study, storage: RDBStorage, place: Place, lease: Lease, notes: tuple[str, ...], listed: Listed | None) -> Outcome:
    stopped = threading.Event()
    clock = Clock(time.monotonic(), 0)

    def told(kind: str, text: str) -> None:
        if kind == "epoch" and clock.trained is None:
            clock.trained = time.monotonic()
        if place.watcher:
            place.watcher(Event(kind, text, lambda: status_of(ledger, place.home.url, clock)))

    patience = Patience(study.storage.patience * 60, told, before=lease.renew, stopped=stopped.is_set)
    ledger = patience(lambda again: Ledger(study, storage, patience=patience, earlier=earlier.recall(place.home)))
    clock.done = status_of(ledger, place.home.url).done
    place.home.remove(STOP)
    told("started", f"{study.name} in {place.home.url}")
    for note in notes:
        told("changed", note)
    if listed:
        listed(ledger)  # in flight from here on, so that every searcher begins with it
    searcher, died = _once(ledger, place, stopped, told, clock, listed=bool(listed))
    for _ in range(study.retries):
        if died is None or stopped.is_set():
            break
        told("note", f"{died}; starting again")
        searcher, died = _once(ledger, place, stopped, told, clock, listed=bool(listed))
    _raise(searcher.trouble or died, searcher, place)
    summary = _summary(searcher, place, clock)
    if summary:
        told("note", summary)
    told("ended", "stopped" if searcher.stopping else "done")
    unfinished = bool(ledger.in_flight()) or not (listed or ledger.complete)
    return Outcome(status_of(ledger, place.home.url, clock), searcher.stopping and unfinished)


def _raise(trouble: Exception | None, searcher: GroupSearcher, place: Place) -> None:
    """Raise what ended a search that nobody stopped: also what the user can put right, since something was started."""
    if isinstance(trouble, UserError):
        raise SearchFailed(str(trouble)) from trouble
    if trouble is not None and not searcher.stopping:
        name = searcher.ledger.study.name
        raise SearchFailed(f"{name}: {trouble}; `{place.again(name)}` goes on") from trouble


def _once(
    ledger: Ledger, place: Place, stopped: threading.Event, told: Told, clock: Clock, *, listed: bool
) -> tuple[GroupSearcher, Exception | None]:
    """One Tune run on one Ray: its searcher, and what that Ray died of, if it did."""
    parent = str(Path(place.parent).absolute()) if place.home.local else place.parent
    resources = ledger.study.resources
    left = ahead.recall(place.home)
    sizes = left.sizes if left and ledger.study.group == "auto" else None

    def slots() -> int:
        return cluster.slots(resources.cpu, resources.gpu)

    searcher = GroupSearcher(ledger, place.home, parent, told, slots, sizes=sizes, listed=listed)
    clock.live = searcher.live
    if not searcher.waiting and (listed or ledger.complete):
        return searcher, None
    try:
        connected = cluster.cluster(place.address, modules=borrowed.modules(ledger.study), coming=place.coming)
        with connected, _stoppable(searcher, stopped, place.home, told):
            if not place.address:
                refuse_unplaceable(resources, ray.cluster_resources())
            probe = Probe(place.home, place.url, place.seen)
            probe.look()
            if place.address:
                searcher.devices = Devices(ledger.study, place.home, told)
                searcher.devices.begin(stopped.is_set)
            _tune(searcher, ledger.study, place.home, probe)
    except (cluster.RayGone, RayError) as error:
        return searcher, error
    return searcher, None


def _summary(searcher: GroupSearcher, place: Place, clock: Clock) -> str:
    """What a search took that went from its beginning to its end, beside what was forecast, where that was done."""
    left = ahead.recall(place.home)
    if left is None or clock.done or searcher.listed or searcher.stopping or place.home.local is None:
        return ""
    disk = sum(file.stat().st_size for file in place.home.local.rglob("*") if file.is_file() and not file.name.endswith(JOURNAL))
    return ahead.comparison(left, time.monotonic() - (clock.trained or clock.began), searcher.memory, disk)


@trials_unsaid()
def _tune(searcher: GroupSearcher, study: Study, home: Home, probe: Probe) -> None:
    scratch = (home.local / SCRATCH).absolute() if home.local else cluster.scratch()
    attendant = Attendant(searcher, probe)
    try:
        tune.run(
            tune.with_resources(GroupTrainable, {"cpu": study.resources.cpu, "gpu": study.resources.gpu}),
            name="run",
            search_alg=searcher,
            num_samples=-1,
            reuse_actors=True,
            max_failures=study.retries,
            raise_on_failed_trial=False,
            storage_path=str(scratch),
            trial_dirname_creator=lambda trial: trial.trial_id,
            callbacks=[attendant],
            verbose=0,
        )
    finally:
        attendant.demand.clear()
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _stoppable(searcher: GroupSearcher, stopped: threading.Event, home: Home, told: Told) -> Iterator[None]:
    """Make the first Ctrl-C (or a polite kill) ask every worker to save and leave, and the second end at once."""

    def stop(signum: int, frame: Any) -> None:
        if searcher.stopping:
            raise KeyboardInterrupt
        searcher.stopping = True
        stopped.set()
        try:
            home.write(STOP, b"")
        except OSError as error:  # a full disk, of all things; workers look for the file and will not find it
            told("stopping", f"finishing the groups in training ({error}); once more to leave at once")
        else:
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
        home.remove(STOP)
