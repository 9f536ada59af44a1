"""Two batches of a method before a search: that it runs, how fast at which size, and what a member takes of memory and disk."""

import dataclasses
import time
from collections.abc import Iterator
from typing import NamedTuple

from search.errors import Fault
from search.faults import keyed
from search.page import Group
from search.searcher import job
from search.space import Space
from search.study import Study
from trainables import evidence, nets, plugin
from trainables.course import Course
from trainables.data.examples import Data
from trainables.engine import compiled, sizing
from trainables.job import Configuration
from trainables.requirements import Surroundings, obstacles


class Measured(NamedTuple):
    """What the dry run of a method found.

    Attributes:
        sizes: Members at a time, and the milliseconds of a member's step at each size tried.
        scoring: Seconds of a member's scoring after each epoch.
        steps: Steps of an epoch.
        crowd: How much slower the clock runs than the processor: above 1 where other programs want it, too.
        group, checkpoint, evidence: Bytes of a member in memory, in a checkpoint and in the evidence.
    """

    sizes: sizing.Size
    scoring: float
    steps: int
    crowd: float
    group: int
    checkpoint: int
    evidence: int


def refuse_unfit(study: Study, data: Data) -> None:
    """Refuse a net that does not fit the data, and methods that lack something in these surroundings, before anything is started.

    Raises:
        StudyError: With the net, or with every such method, and what would do.
    """
    if study.compile and (lacking := compiled.lacking("auto" if study.resources.gpu else "cpu")):
        raise study.refused([Fault("compile", lacking)])
    faults = [keyed(line) for line in nets.check(study.net, data.shape, len(data.classes))] or list(_unfit(study, data))
    if faults:
        raise study.refused(faults)


def _unfit(study: Study, data: Data) -> Iterator[Fault]:
    for name, space in study.spaces.items():
        setting = job(study, _group(study, space, 1), "").setting(data)
        around = Surroundings(
            spatial=setting.net.spatial,
            image=len(data.shape) == 3,
            groups=len(data.groups),
            mixes=space.axes.mixing != "none",
            mixer=bool(space.options.get("mixer")),
            probe=len(data.probe) > 0,
        )
        yield from (Fault(f"methods.{name}", words) for words in obstacles(setting.method, around))


def measured(study: Study, space: Space, data: Data) -> Measured:
    """Two batches of a configuration with all its seeds, scored, packed and written; then the sizes.

    Raises:
        StudyError: If that cannot be done.
    """
    asked = dataclasses.replace(job(study, _group(study, space, study.seeds), ""), compiled=False)  # it would take longer than all the rest
    try:
        setting, sizes = asked.setting(data), sized(study, space, data)
        course = Course(asked, sizing.few(data, study.training.batch))
        course.epoch()
        began, own = time.perf_counter(), time.process_time()
        course.epoch()
        wall, own = time.perf_counter() - began, time.process_time() - own
        bytes_of = (course.run.nbytes(), len(course.pack()), _whole(course, study))
    except Exception as error:  # a method or a net may be the user's own, and raise anything
        words = str(error) if isinstance(error, ValueError) else plugin.said(error)
        raise study.refused([Fault(f"methods.{space.name}", f"does not run: {words}")]) from error
    examples = len(data.rest if "probe" in setting.method.needs else data.train)
    scoring = max(0.0, own / study.seeds - sizing.STEPS * sizes.milliseconds[1] / 1e3)
    return Measured(
        sizes,
        scoring,
        examples // min(study.training.batch, examples),
        max(1.0, wall / own),
        *(count // study.seeds for count in bytes_of),
    )


def sized(study: Study, space: Space, data: Data) -> sizing.Size:
    """How many members of a method to compute at a time on this machine's device."""
    asked = job(study, _group(study, space, study.seeds), "")
    parts = (study.scenario, space.axes, space.options, sorted(study.net.items()), study.training.batch, data.shape, study.precision)
    return sizing.sized(asked.setting(data), data, asked.configurations[0].numbers, " ".join(map(str, parts)))


def _whole(course: Course, study: Study) -> int:
    """Bytes of a group's evidence once its curves have all their epochs; numbers so uneven hardly shrink by being packed."""
    curves = sum(len(curves) for curves in course.run.curves)
    return len(evidence.to_bytes(course.members())) + 4 * curves * max(0, study.training.epochs - course.run.epoch)


def _group(study: Study, space: Space, seeds: int) -> Group:
    return Group("dry-run", space.name, (Configuration(0, space.numbers(_middle(space))),), tuple(range(seeds)))


def _middle(space: Space) -> dict[str, float]:
    """A configuration: each searched knob at its default, or at an end of its range where that lies outside."""
    return {
        name: domain.knob.default if domain.knob.default in domain else (domain.values or (domain.low,))[0]
        for name, domain in space.domains.items()
    }
