"""The Tune searcher that hands out groups from the ledger, and puts down what became of them.

Tune asks `suggest` for the next trial, which here is a group, and calls back when one has ended. Nothing is kept here that the ledger and
the evidence do not say.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ray import cloudpickle
from ray.tune.search import Searcher

from search import halving
from search.amounts import counted
from search.files import Room, Told, evidence_file, forget, reconcile, settle
from search.ledger import Ledger
from search.lost import Losses
from search.page import Group
from search.study import Study
from trainables.home import Home
from trainables.job import STOP, Job

if TYPE_CHECKING:
    from search.devices import Devices  # which times groups by way of this module's `job`

cloudpickle.register_pickle_by_value(halving)  # a worker would import all of this package for it, Optuna and SQLAlchemy too

GONE = "its machine is gone; going on elsewhere from its last checkpoint"

MEMBERS = 12
"""Members of a group where the study leaves its size open."""


class GroupSearcher(Searcher):
    """Hands out what was in flight when the search last stopped, then new groups, method by method in equal shares.

    Args:
        ledger: The open ledger.
        home: The study's home.
        parent: The folder or URL that holds the home.
        told: Is told what happens.
        slots: Tells how many groups can run at a time. One more is handed out, so that nobody waits for the ledger; not more, since what is
            asked later knows more.
        sizes: Members of a method's groups; what is not there has as many as the study says.
        listed: Whether what is in flight is all that is wanted, and nothing new is asked.
        devices: A cluster's kinds of devices, which then say in place of `slots` and `sizes` when a group is handed out, and how large.

    Attributes:
        running: The groups that Tune has, by its id of their trial.
        kinds: The kind of device that each of them is meant for, and then runs on.
        live: The last result of each of them.
        memory: Most bytes that a worker has said it takes.
        stopping: Whether the user has asked to stop.
        listed: Whether nothing is handed out but what waits.
        trouble: An error that ends the search: what Tune calls back must not raise, since Tune would take that for a failed trial.
    """

    def __init__(
        self,
        ledger: Ledger,
        home: Home,
        parent: str,
        told: Told,
        slots: Callable[[], int],
        *,
        sizes: Mapping[str, int] | None = None,
        listed: bool = False,
        devices: "Devices | None" = None,
    ) -> None:
        super().__init__()
        self.ledger, self.home, self.parent, self.told, self.slots = ledger, home, parent, told, slots
        self.devices = devices
        self.running: dict[str, Group] = {}
        self.kinds: dict[str, str] = {}
        self.live: dict[str, dict[str, Any]] = {}
        self.memory = 0
        self.stopping = False
        self.trouble: Exception | None = None
        self.listed = listed
        self.sizes = sizes or {}
        self.waiting = reconcile(ledger, home, told)
        self.losses = Losses(home)
        self.room = Room(home, ledger.study.storage.reserve, told)

    def suggest(self, trial_id: str) -> Any:
        if self.stopping or self.trouble:
            return Searcher.FINISHED
        kind = self._place()
        if kind is None or not self.room.enough():
            return None
        group = None
        with self.kept():
            group = self.waiting.pop(0) if self.waiting else self._new(kind)
        if group is None:
            return None if self.running and not self.trouble else Searcher.FINISHED
        self.running[trial_id], self.kinds[trial_id] = group, kind
        seeds = f"{counted(len(group.seeds), 'more seed')} of " if group.extra else ""
        self.told("asked", f"{group.name}: {seeds}{counted(len(group.configurations), 'configuration')} of {group.method}")
        dropping = self.ledger.study.halving.rungs and not group.extra  # what has ended is not dropped once more
        promote = halving.survivors if dropping else None
        return {"job": job(self.ledger.study, group, self.parent).to_dict(), "promote": promote}

    @property
    def left(self) -> int:
        """About how many groups have not been handed out yet."""
        pages = {} if self.listed else self.ledger.pages
        seeds = self.ledger.study.seeds
        sizes = {name: max(1, self._members("", name) // seeds) for name in pages}
        return len(self.waiting) + sum(-(-max(0, page.budget - len(page.entries)) // sizes[name]) for name, page in pages.items())

    def _place(self) -> str | None:
        """The kind of device for the next group, or None where none should be handed out now."""
        if self.devices is None:
            return "" if len(self.running) <= self.slots() else None
        return self.devices.free(Counter(self.kinds[trial] for trial in self.running))

    def _members(self, kind: str, method: str) -> int:
        """Members of a method's next group."""
        timed = self.devices.size(kind, method) if self.devices else None
        return timed or self.sizes.get(method, members_of(self.ledger.study))

    def _clear(self, group: Group) -> None:
        """Set aside evidence under a new group's name, which a ledger that lost its last writes to a power cut may have forgotten."""
        name = evidence_file(group)
        if self.home.exists(name):
            self.home.move(name, f"{name}.unusable")
            self.told("note", f"{self.home.at(name)} was there before its group; set aside")

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        group = self.running.get(trial_id)
        if group is None:
            return
        with self.kept():
            self._pass_on(result)
            if group.name not in self.live:
                self.ledger.started(group, {"host": result.get("hostname"), "process": result.get("pid")})
                if self.devices:
                    self.kinds[trial_id] = self.devices.at(str(result.get("node_ip")))
            if result.get("full") and not self.live.get(group.name, {}).get("full"):
                self.told("note", f"{group.name}: {result['full']}; waiting for room")
            self.losses.heard(group, result)
            self.live[group.name] = result
            self.memory = max(self.memory, result.get("memory", 0))
            self.told("epoch", f"{group.name}: epoch {result.get('epoch')}")

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        group = self.running.get(trial_id)
        if group is None or error:
            return  # of an error we hear with its reason, in on_trial_failed
        del self.running[trial_id]
        self.live.pop(group.name, None)
        self.losses.ended(group)
        self._pass_on(result or {})
        if result is None or result.get("left") or not result.get("done"):
            self.waiting.append(group)
            return
        with self.kept():
            settle(self.ledger, self.home, group)
            self.told("settled", f"{group.name}: done")

    def on_trial_failed(self, trial_id: str, reason: str) -> None:
        """A group's process died or raised more often than the study allows: halve the group, or mark its one configuration as failed."""
        group = self.running.pop(trial_id, None)
        if group is None:
            return
        trained = self.live.pop(group.name, None) is not None
        with self.kept():
            if self.home.exists(evidence_file(group)):
                settle(self.ledger, self.home, group)
                self.losses.ended(group)
            elif self._hopeless(trained=trained):
                raise RuntimeError(f"{group.name} failed and nothing has been trained: {reason}")
            elif len(group.configurations) > 1:
                self.waiting = [*self.ledger.split(group), *self.waiting]
                self.told("failed", f"{group.name}: {reason}; tried again in two halves")
            else:
                self.ledger.fail(group, reason)
                self.told("failed", f"{group.name}: {reason}; given up")
            self.losses.dropped(group)
            forget(self.home, group)

    def on_machine_lost(self, trial_id: str) -> None:
        """A group's machine left the cluster: no fault of the group, which goes on from its checkpoint on another machine."""
        group = self.running.pop(trial_id, None)
        if group is None:
            return
        self.live.pop(group.name, None)
        self.waiting.insert(0, group)
        self.told("note", f"{group.name}: {GONE}")

    def on_machine_replaced(self, trial_id: str) -> None:
        """A group's machine left, and Tune tries the group again by itself, as it does as often as the study's retries allow."""
        group = self.running.get(trial_id)
        if group is not None:
            self.live.pop(group.name, None)
            self.told("note", f"{group.name}: {GONE}")

    def _pass_on(self, result: dict[str, Any]) -> None:
        """Tell what a worker has to say beside its scores."""
        for note in result.get("notes", ()):
            self.told("note", note)

    def _new(self, kind: str) -> Group | None:
        if self.listed:
            return None
        study, method = self.ledger.study, most_behind(self.ledger)
        if method is None:
            group = self.ledger.ask_seeds(members_of(study))
        else:
            group = self.ledger.ask(method, max(1, self._members(kind, method) // study.seeds))
        if group is not None:
            self._clear(group)
        return group

    def _hopeless(self, *, trained: bool) -> bool:
        """Whether a group failed where none has ever trained an epoch: then the fault is not a configuration's."""
        ended = any(entry.state.is_finished() for page in self.ledger.pages.values() for entry in page.entries)
        return not (trained or self.live or ended)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep an error for the end of the search, and ask the workers to save and leave."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 whatever it is, it is raised again once Tune has ended
            self.trouble = self.trouble or error
            with suppress(OSError):
                self.home.write(STOP, b"")


def most_behind(ledger: Ledger) -> str | None:
    """The method with the least part of its budget asked for, the first among equals; None where all is asked."""
    parts = {name: len(page.entries) / page.budget for name, page in ledger.pages.items() if len(page.entries) < page.budget}
    return min(parts, key=parts.__getitem__) if parts else None


def members_of(study: Study) -> int:
    """Members of a group."""
    return MEMBERS if study.group == "auto" else study.group


def job(study: Study, group: Group, parent: str) -> Job:
    """What a worker is told to train a group."""
    space = study.spaces[group.method]
    return Job(
        study=study.name,
        home=parent,
        method=group.method,
        group=group.name,
        axes=space.axes._asdict(),
        options=space.options,
        configurations=list(group.configurations),
        seeds=list(group.seeds),
        split=group.split,
        data=study.data,
        net=study.net,
        scenario=study.scenario,
        training=study.training.structure,
        tail=study.tail,
        objectives=list(study.objectives),
        rungs=list(study.halving.rungs),
        keep=study.halving.keep,
        checkpoint_seconds=study.storage.checkpoint_seconds,
        checkpoint_epochs=study.storage.checkpoint_epochs,
        checkpoint_budget=study.storage.budget,
        threads=max(1, int(study.resources.cpu)),
        device="auto" if study.resources.gpu else "cpu",
        precision=study.precision,
        compiled=study.compile,
    )
