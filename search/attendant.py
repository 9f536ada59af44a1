"""What Tune does not do for a searcher while it runs, and what a trial that failed died of."""

import pickle
import re
from pathlib import Path
from typing import Any

from ray.tune import Callback

from search.cluster import RayGone
from search.demand import Demand
from search.errors import UserError
from search.logs import last_lines
from search.probe import Probe
from search.pulse import Pulse, machine_lost
from search.searcher import GroupSearcher


class Attendant(Callback):
    """What Tune does not do for a searcher.

    It tells why a group failed, looks at machines that join, shows a cluster's autoscaler how many groups wait, and ends a run whose Ray
    is gone.
    """

    def __init__(self, searcher: GroupSearcher, probe: Probe) -> None:
        self.searcher, self.probe = searcher, probe
        self.pulse = Pulse()
        self.demand = Demand(searcher.ledger.study.resources.cpu, searcher.ledger.study.resources.gpu)

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Look after the machines and those that wait."""
        if self.pulse.gone():
            raise RayGone("the last machine of the Ray cluster is gone")
        if self.pulse.joined(self.probe.seen) and self.searcher.trouble is None:
            with self.searcher.kept():
                self._look()
        if self.searcher.devices is not None:
            self.searcher.devices.look()
            self.demand.show(0 if self.searcher.stopping or self.searcher.trouble else self.searcher.left)

    def _look(self) -> None:
        try:
            self.probe.look()
        except UserError as error:
            raise UserError(f"{error}; then go on with `altiplano resume {self.searcher.ledger.study.name}`") from error

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A failed trial begins again: where its machine is gone that is no failure of its own."""
        if machine_lost(_error_of(trial), self.pulse.there):
            self.searcher.on_machine_replaced(trial.trial_id)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial has failed for good."""
        error = _error_of(trial)
        if machine_lost(error, self.pulse.there):
            self.searcher.on_machine_lost(trial.trial_id)
            return
        process = (trial.last_result or {}).get("pid")
        self.searcher.on_trial_failed(trial.trial_id, reason_of(error, process))


def _error_of(trial: Any) -> Any:
    """What a trial failed of, where Tune put it first; `get_error` reads a copy that may come later, or never for a worker not set up."""
    file = Path(trial.pickled_error_file or "")
    return pickle.loads(file.read_bytes()) if file.is_file() else trial.get_error()  # noqa: S301 this process wrote it


def reason_of(error: BaseException | None, process: int | None = None) -> str:
    """The last words of an error of a worker, in one line; of a process that died, the last lines of its log."""
    if error is None:
        return "it ended without a reason"
    cause = getattr(error, "cause", None)
    shown = cause if isinstance(cause, BaseException) else error
    lines = [line.strip() for line in str(shown).splitlines() if line.strip()]
    found = re.search(r"\bpid[=: ]+(\d+)", str(error))
    words = last_lines(int(found[1]) if found else process)
    return f"{type(shown).__name__}: {lines[-1] if lines else 'no message'}" + (f"; its log ends: {words}" if words else "")
