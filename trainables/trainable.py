"""Ray Tune trainables: every method wrapped for Tune. The one module of this package that imports ray."""

import dataclasses
import errno
import functools
import json
import logging
import math
import resource
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from ray import tune

from trainables import methods, scenarios
from trainables.checkpoints import Checkpoints
from trainables.course import Course, Promote
from trainables.data.examples import Data
from trainables.data.load import load
from trainables.engine.fitting import heard
from trainables.home import Home
from trainables.job import STOP, Configuration, Job, evidence_file
from trainables.knob import Knob
from trainables.leaving import leave
from trainables.training import TRAINING, TRAINING_KNOBS

log = logging.getLogger(__name__)

FULL_SECONDS = 2.0
"""Pause between two attempts at writing evidence to a full disk."""

STEP_SECONDS = 0.5
"""Epochs are trained in one Tune step until this much time has passed, since a step costs Tune some milliseconds."""

ASK_SECONDS = 3.0
"""Pause between two looks for `stop` in an object store: at one a step, a thousand groups would ask 2,000 times a second."""


class CourseTrainable(tune.Trainable):
    """What all trainables share: a course that Tune may save, load and exchange for another one in the same process."""

    job: Job
    data: Data
    course: Course

    def begin(self, job: Job) -> None:
        """Take on a job: its threads, its data, its course."""
        self.job = job
        torch.set_num_threads(job.threads)
        self.data = loaded(json.dumps(job.data, sort_keys=True))

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.setup(new_config)
        return True

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        (Path(checkpoint_dir) / "group.pt").write_bytes(self.course.pack())

    def load_checkpoint(self, checkpoint: Any) -> None:  # the name and the type are Tune's; without loggers it is a folder's path
        self.course = Course(self.job, self.data, (Path(checkpoint) / "group.pt").read_bytes())


class GroupTrainable(CourseTrainable):
    """Trains one group of a study.

    Its config holds `job` (a `Job` as plain data) and `promote` (who goes on at a rung). A checkpoint of the group in the study's home
    is taken up by itself, so that a restarted trial goes on where the last one was; when the group has finished its evidence is written
    before the result says `done`. Where the home holds a file `stop`, the group is saved after the epoch and its result says `left`.
    What the user should know is said once, in the next result's `notes`.
    """

    def setup(self, config: dict[str, Any]) -> None:
        self.begin(Job.from_dict(config["job"]))
        self.promote: Promote | None = config.get("promote")
        self.home = Home(f"{self.job.home}/{self.job.study}")
        self.checkpoints = Checkpoints(self.home, self.job.group, self.job.checkpoint_budget)
        self.notes: list[str] = []
        self.said: set[str] = set()
        self.full = ""
        self.asked = -math.inf
        self.course = self._resumed() or Course(self.job, self.data)
        self.saved, self.saved_epoch = time.monotonic(), self.course.run.epoch
        self.began, self.since = self.saved, self.saved_epoch
        self.written = self.home.exists(self.evidence_file)  # by a worker that died before it could say so

    def step(self) -> dict[str, Any]:
        began = time.monotonic()
        while not self.course.finished and not self.written:
            with heard(lambda text: self._note(f"{self.job.group}: {text}")):
                self.course.epoch(self.promote)
            if time.monotonic() - began > STEP_SECONDS or self.course.run.epoch in self.job.rungs or self._due():
                break
        finished = self.course.finished or self.written
        leaving = not finished and self._asked_to_leave()
        if finished and not self.written:
            self.full = _room_lacking(lambda: leave(self.home, self.course))
            if self.full:
                time.sleep(FULL_SECONDS)
            else:
                self.checkpoints.forget()
        elif not finished and (leaving or self._due()):
            self.full = _room_lacking(self.save_course)
        notes, self.notes = self.notes, []
        return {
            "group": self.job.group,
            "notes": notes,
            "epoch": self.course.run.epoch,
            "since": self.since,
            "seconds": time.monotonic() - self.began,
            "members": len(self.course.run.rows),
            "scores": {str(number): found for number, found in self.course.scores().items()},
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,  # Linux counts in kB
            "full": self.full,
            "left": leaving,
            "done": (finished and not self.full) or leaving,
        }

    def save_course(self) -> None:
        """Write the group's checkpoint, where the study's budget for checkpoints has room for it."""
        content = self.course.pack()
        self.saved, self.saved_epoch = time.monotonic(), self.course.run.epoch
        if not self.checkpoints.write(content):
            self._warn(f"{self.job.group}: storage.budget is spent, so no checkpoint is written; a kill now costs the work since the last")

    def _asked_to_leave(self) -> bool:
        """Whether the study's home says `stop`; an object store is asked less often, since it counts every question."""
        now = time.monotonic()
        if self.home.local is None and now - self.asked < ASK_SECONDS:
            return False
        self.asked = now
        return self.home.read(STOP) is not None

    def _due(self) -> bool:
        """Whether it is time for a checkpoint."""
        epochs = self.course.run.epoch - self.saved_epoch
        return time.monotonic() - self.saved > self.job.checkpoint_seconds or epochs >= (self.job.checkpoint_epochs or math.inf)

    @property
    def evidence_file(self) -> str:
        """Where the group's evidence goes, relative to the study's home."""
        return evidence_file(self.job.group, self.job.split)

    def _resumed(self) -> Course | None:
        for name, content in self.checkpoints.contents():
            try:
                return Course(self.job, self.data, content)
            except ValueError as error:
                self._warn(f"{self.home.at(name)} cannot be used ({error}); set aside as {self.checkpoints.set_aside(name)}")
        return None

    def _warn(self, text: str) -> None:
        """Say something once: in the worker's log, and with the next result to whoever started the search."""
        if self._note(text):
            log.warning("%s", text)

    def _note(self, text: str) -> bool:
        """Say something once, with the next result; whether it is new."""
        new = text not in self.said
        if new:
            self.said.add(text)
            self.notes.append(text)
        return new


def _room_lacking(write: Callable[[], None]) -> str:
    """Write; where the disk is full, say so instead of failing, since the study goes on once there is room."""
    try:
        write()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        return str(error)
    return ""


class MethodTrainable(CourseTrainable):
    """Trains one configuration, all its seeds at once; `trainable` makes one such class a method.

    Attributes:
        template: The job but for the configuration.
        knobs: What its config may hold, by name.
    """

    template: Job
    knobs: Mapping[str, Knob]

    def setup(self, config: dict[str, Any]) -> None:
        for key in config:
            if key not in self.knobs:
                raise ValueError(f"{self.template.method} has the knobs {sorted(self.knobs)}, got {key!r}")
        numbers = {key: knob.check(config.get(key, knob.default)) for key, knob in self.knobs.items()}
        self.begin(dataclasses.replace(self.template, configurations=[Configuration(0, numbers)]))
        self.course = Course(self.job, self.data)

    def step(self) -> dict[str, Any]:
        self.course.epoch()
        return {**self.course.scores()[0], "epoch": self.course.run.epoch, "done": self.course.finished}


def trainable(
    method: str | Mapping[str, str],
    *,
    data: Mapping[str, Any] | str = "digits",
    net: Mapping[str, Any] | str = "mlp",
    scenario: Mapping[str, Any] | str = "supervised",
    seeds: int = 3,
    tail: str = "worst-class",
    options: Mapping[str, Any] | None = None,
    **training: Any,
) -> type[tune.Trainable]:
    """A Tune trainable of one method, for use in a `tune.Tuner` of your own.

    Its config is flat: any of the method's knobs and `lr`, `weight_decay`, `label_smoothing`; what is left out has its default. After
    every epoch it reports `accuracy`, `tail` and `stability` on the selection split, averaged over its seeds, which train together.

    Args:
        method: A preset's name, or the choice on the axes: `{"mixing": "mixup", "criterion": "softad"}`.
        data: Name of a data set, or arguments of `trainables.data.load.load`.
        net: Name of a net, or arguments of `trainables.nets.build`.
        scenario: Name of a scenario, or arguments of `trainables.scenarios.make`.
        seeds: Members of a configuration.
        tail: Which tail score.
        options: Options of the method's factories.
        training: epochs, batch, optimizer, momentum, nesterov, schedule, warmup.

    Raises:
        ValueError: If the method or an argument is unknown.
    """
    name, axes = (method, methods.preset(method)) if isinstance(method, str) else ("custom", methods.Axes(**method))
    setting = {"name": scenario} if isinstance(scenario, str) else dict(scenario)
    made = methods.make(axes, scenarios.make(**setting).mixings, **(options or {}))
    unknown = set(training) - set(TRAINING)
    if unknown:
        raise ValueError(f"training arguments are {sorted(TRAINING)}, got {sorted(unknown)}")
    knobs = {knob.name: knob for knob in (*made.knobs, *TRAINING_KNOBS)}
    template = Job(
        study="",
        home="",
        method=name,
        group="",
        axes=axes._asdict(),
        configurations=[],
        seeds=list(range(seeds)),
        data={"name": data} if isinstance(data, str) else dict(data),
        net={"name": net} if isinstance(net, str) else dict(net),
        training={**TRAINING, **training},
        options=dict(options or {}),
        scenario=setting,
        tail=tail,
    )

    return type(f"altiplano-{name}", (MethodTrainable,), {"template": template, "knobs": knobs})


@functools.lru_cache(maxsize=2)
def loaded(arguments: str) -> Data:
    """The data set of the given arguments (JSON), kept by the process for its next job."""
    return load(**json.loads(arguments))
