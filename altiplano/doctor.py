"""What `altiplano doctor` looks at: versions, devices, write access, the promise to members on this device; or a plug-in of the user's."""

import platform
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import NamedTuple

import torch

from search import notation
from search.capture import PACKAGES
from search.errors import UserError
from trainables import plugin, tree
from trainables.contract import examination
from trainables.course import Course
from trainables.data.examples import Data
from trainables.data.load import load
from trainables.home import Home
from trainables.job import Configuration, Job, chosen_device
from trainables.training import TRAINING

TOLERANCE = {"cpu": 1e-10, "cuda": 1e-8}
"""Largest difference of a float64 weight, alone and in a group, by the device's kind."""


class Finding(NamedTuple):
    """One thing looked at."""

    fine: bool
    text: str


def examine(home: str) -> list[Finding]:
    """Everything there is to look at on this machine."""
    return [_versions(), *_devices(), _write_access(home), alone_is_as_in_a_group(chosen_device("auto"))]


def examine_own(name: str, options: Mapping[str, str]) -> Iterator[Finding]:
    """What is found of the user's `module:object`, one promise after the other.

    Args:
        name: The object.
        options: Options of its factory, as a study file writes them.

    Raises:
        UserError: If there is no such object.
    """
    if not plugin.is_named(name):
        raise UserError(f"--plugin must be module:object, as in my_methods:mine, got {name!r}")
    try:
        for found in examination.examined(name, {key: notation.value(text, key) for key, text in options.items()}):
            yield Finding(not found.broken, "; ".join(found.broken) if found.broken else found.promise)
    except ValueError as error:
        raise UserError(f"altiplano doctor: {error}") from error


def _versions() -> Finding:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    text = ", ".join(f"{name} {version}" for name, version in found.items())
    return Finding("missing" not in found.values(), f"Python {platform.python_version()}, {text}")


def _devices() -> list[Finding]:
    if not torch.cuda.is_available():
        return [Finding(True, "no CUDA device; training runs on the CPU")]
    names = (torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count()))
    return [Finding(True, f"{found.name}, {found.total_memory / 2**30:.0f} GiB") for found in names]


def _write_access(home: str) -> Finding:
    place = Home(f"{home}/.doctor")
    try:
        place.write("probe", b"here")
        kept = place.read("probe") == b"here"
        place.remove("probe")
        if place.local:
            place.local.rmdir()
    except OSError as error:
        return Finding(
            False, f"{home} must be a folder that can be written, it cannot: {error.strerror or error}; give another with --home"
        )
    return Finding(kept, f"{home} can be written" if kept else f"{home} does not keep what is written to it")


def alone_is_as_in_a_group(device: str) -> Finding:
    """Train four members together and one of them alone, in float64, and compare their weights."""
    data = load("digits", fraction=0.1)
    configurations = [Configuration(number, {**_NUMBERS, "rho": 0.05 * (number + 1)}) for number in range(2)]
    together = _weights(_job(configurations, [0, 1], device), data)
    alone = _weights(_job(configurations[1:], [1], device), data)
    pairs = zip(tree.leaves(tree.take(together, 3)), tree.leaves(tree.take(alone, 0)), strict=True)
    gap = max((left - right).abs().max().item() for (_, left), (_, right) in pairs)
    return Finding(gap <= TOLERANCE[torch.device(device).type], f"alone = in a group on {device}: weights differ by {gap:.1e} in float64")


def _weights(job: Job, data: Data) -> tree.Tree:
    course = Course(job, data)
    while not course.finished:
        course.epoch()
    return course.run.group.model.params


def _job(configurations: list[Configuration], seeds: list[int], device: str) -> Job:
    return Job(
        study="doctor",
        home="",
        method="g-mix",
        group="doctor",
        axes={"mixing": "mixup", "perturbation": "sam", "criterion": "mean"},
        configurations=configurations,
        seeds=seeds,
        data={},
        net={"name": "cnn", "width": 4},
        training={**TRAINING, "epochs": 2, "batch": 32},
        device=device,
        precision="float64",
    )


_NUMBERS = {"alpha": 1.0, "lr": 0.05, "weight_decay": 5e-4, "label_smoothing": 0.0}
