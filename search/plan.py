"""A forecast of a search: time, memory, disk and the size of groups, from a dry run of every method.

Nothing is started and nothing is written but the sizes that were timed, which the user's cache keeps.
"""

import itertools
import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from search.ahead import Ahead
from search.amounts import duration, size
from search.dryrun import Measured, measured, refuse_unfit, sized
from search.searcher import members_of
from search.study import Study
from trainables.data.examples import Data
from trainables.data.load import load
from trainables.engine.sizing import SIZES

CONFIGURATION_BYTES = 2500
"""What a configuration takes of an SQLite ledger; measured at 10,000 of them with two knobs and three objectives."""

ROUNDS = 4
"""Least number of groups of a method where their size is left open, so that the sampler hears of some before it asks on."""


@dataclass(frozen=True)
class MethodPlan:
    """What is ahead for one method.

    Attributes:
        name: The method.
        configurations, seeds: How many of each.
        members: Members of a group.
        seconds: Of one member on one worker, to the last epoch.
        epochs: Epochs of a member on average, once halving has dropped its share.
        measured: What that rests on.
    """

    name: str
    configurations: int
    seeds: int
    members: int
    seconds: float
    epochs: float
    measured: Measured

    @property
    def pace(self) -> float:
        """Members a second on one worker."""
        return 1 / self.seconds

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Heading and text of each column of a table of methods."""
        times = ", ".join(f"{value:.2f}" for value in self.measured.sizes.milliseconds.values())
        return [
            ("method", self.name),
            ("configurations", f"{self.configurations} x {self.seeds} seeds"),
            ("members/s a worker", f"{self.pace:.3g}"),
            ("group", str(self.members)),
            (f"ms a member's step among {', '.join(map(str, SIZES))}", times),
        ]

    def __str__(self) -> str:
        extent = f"{self.configurations} x {self.seeds} members, {self.pace:.3g} members/s a worker"
        return f"{self.name:<16} {extent}, groups of {self.members}: {self.measured.sizes.why}"


@dataclass(frozen=True)
class Plan:
    """A forecast.

    Attributes:
        study: The study's name.
        methods: Each method.
        workers: Groups trained at a time.
        seconds: Of the whole search, without starting Ray.
        memory: Bytes of one worker at most.
        disk: Bytes that the study takes when it has ended.
        checkpoints: Bytes of checkpoints while it runs, at most.
    """

    study: str
    methods: tuple[MethodPlan, ...]
    workers: int
    seconds: float
    memory: int
    disk: int
    checkpoints: int

    @property
    def ahead(self) -> Ahead:
        """What the run keeps of it."""
        return Ahead({method.name: method.members for method in self.methods}, self.seconds, self.memory, self.disk)

    @property
    def headline(self) -> str:
        """The forecast in a line."""
        whole = f"{duration(self.seconds)} on {self.workers} workers, {size(self.memory)} of memory a worker"
        return f"{self.study}: about {whole}; {size(self.disk)} of disk, and up to {size(self.checkpoints)} of checkpoints meanwhile"

    def __str__(self) -> str:
        return "\n".join([self.headline, *(f"  {method}" for method in self.methods)])


def plan(study: Study, data: Data, workers: int | None = None, told: Callable[[str], None] | None = None) -> Plan:
    """Try every method and forecast the search.

    Args:
        study: The study.
        data: Its data.
        workers: Groups trained at a time; by default as many as this machine has processors for, or GPUs where the study asks for some.
        told: Is told which method is being tried.

    Raises:
        StudyError: If a method cannot run here.
    """
    refuse_unfit(study, data)
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, int(study.resources.cpu)))
    found = {}
    try:
        for number, (name, space) in enumerate(study.spaces.items(), 1):
            if told:
                told(f"trying {name} for two batches ({number} of {len(study.spaces)})")
            found[name] = measured(study, space, data)
    finally:
        torch.set_num_threads(threads)
    return _forecast(study, found, workers or local_workers(study))


def local_workers(study: Study) -> int:
    """How many groups this machine trains at a time."""
    if study.resources.gpu:
        return max(1, int(torch.cuda.device_count() / study.resources.gpu))
    return max(1, int((os.cpu_count() or 1) / study.resources.cpu))


def group_sizes(study: Study, found: dict[str, int]) -> dict[str, int]:
    """Members of each method's groups: as the study says, or what was found to be fast, unless too few groups would come of it."""
    if study.group != "auto":
        return dict.fromkeys(found, study.group)
    most = {name: max(1, study.budget_of(name) // ROUNDS) for name in found}
    wanted = {name: -(-max(members_of(study), fast) // study.seeds) for name, fast in found.items()}
    return {name: study.seeds * min(wanted[name], most[name]) for name in found}


def sizes_here(text: str) -> dict[str, int]:
    """Members of each method's groups, timed on this machine's device; what a cluster's machine is asked.

    Args:
        text: The study, as `Study.dump` writes it.
    """
    study = Study.parse(text)
    data = load(**study.data)
    torch.set_num_threads(max(1, int(study.resources.cpu)))
    return group_sizes(study, {name: sized(study, space, data).members for name, space in study.spaces.items()})


def epochs_of(study: Study) -> float:
    """Epochs of a configuration on average, if each rung drops exactly its share."""
    rungs = [0, *study.halving.rungs, study.training.epochs]
    return sum((end - begin) * study.halving.keep**number for number, (begin, end) in enumerate(itertools.pairwise(rungs)))


def _forecast(study: Study, found: dict[str, Measured], workers: int) -> Plan:
    sizes, epochs = group_sizes(study, {name: one.sizes.members for name, one in found.items()}), epochs_of(study)
    crowd = float(np.median([one.crowd for one in found.values()])) if study.resources.gpu == 0 else 1.0
    planned = []
    for name, one in found.items():
        fastest = one.sizes.milliseconds[one.sizes.members] / 1e3
        seconds = epochs * (one.steps * fastest + one.scoring) * crowd
        planned.append(MethodPlan(name, study.budget_of(name), study.seeds, sizes[name], seconds, epochs, one))
    largest = max(one.group * sizes[name] for name, one in found.items())
    saved = max(one.checkpoint * sizes[name] for name, one in found.items())
    configurations = sum(method.configurations for method in planned)
    return Plan(
        study=study.name,
        methods=tuple(planned),
        workers=workers,
        seconds=sum(method.configurations * method.seeds * method.seconds for method in planned) / workers,
        memory=_own_memory() + largest,
        disk=sum(one.configurations * one.seeds * one.measured.evidence for one in planned) + configurations * CONFIGURATION_BYTES,
        checkpoints=min(2 * workers * saved, study.storage.budget),
    )


def _own_memory() -> int:
    """Bytes that this process holds, which a worker's are like: the libraries and the data."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
