"""The page of the methods: from the tables of methods, the factories' docstrings and their knobs."""

from collections.abc import Callable, Iterator
from typing import Any

from altiplano.describe import searched
from docs.reference.words import anchor, documented, table
from trainables import methods
from trainables.axes import Method
from trainables.cost import cost
from trainables.knob import Knob
from trainables.training import TRAINING_KNOBS

HEAD = """# Methods

A method is a choice on three axes: **mixing** (what the examples are), **perturbation** (where in weight space the gradient is taken) and
**criterion** (how the losses of the examples become one number). A preset is a usual choice by name; any other is written out in the study
file: `my-method: {mixing: mixup, perturbation: sam, criterion: softad}`.

Sources say how they were used: `read` (taken from the paper or its code), `derived` (worked out here from what was read) or `ours` (chosen
here). In a terminal: `altiplano methods NAME`.
"""

COSTS = """A step's cost is counted on a small convolutional net: passes forward through the network, and the arithmetic of matrix products
and convolutions as a multiple of plain training's.
"""

TRAINING = """## Knobs of the training itself

Fixed for all methods, unless the study file gives a range under `training` (or for one method): then a knob of every method.
"""


def page() -> str:
    """The page's text."""
    parts = [HEAD, "## Presets\n", COSTS, _presets(), TRAINING, _knobs(TRAINING_KNOBS)]
    for axis, strategies in methods.TABLES.items():
        parts.append(f"## {axis.capitalize()}\n")
        parts += [part for name, factory in strategies.items() for part in _strategy(axis, name, factory)]
    return "\n".join(parts)


def _presets() -> str:
    rows = []
    for name, axes in methods.PRESETS.items():
        method = methods.make(axes)
        links = [f"[{one}](#{anchor(title(axis, one))})" for axis, one in zip(axes._fields, axes, strict=True)]
        rows.append([f"`{name}`", *links, ", ".join(knob.name for knob in method.knobs) or "none", *_cost(method)])
    return table(["preset", "mixing", "perturbation", "criterion", "knobs", "passes", "arithmetic"], rows)


def _cost(method: Method) -> tuple[str, str]:
    if "mixer" in method.needs:
        return "needs a trained mixer", ""
    found = cost(method)
    return f"{found.forward:g}", f"{found.work:.2f}"


def title(axis: str, name: str) -> str:
    """A strategy's heading: an axis' neutral choice is told from the others' by its axis."""
    return f"{name} ({axis})" if name == "none" else name


def _strategy(axis: str, name: str, factory: Callable[..., Any]) -> Iterator[str]:
    yield f"### {title(axis, name)}\n"
    yield documented(factory, leave=("Raises",))
    found = factory().knobs
    yield _knobs(found) if found else ""


def _knobs(knobs: tuple[Knob, ...]) -> str:
    head = ["knob", "searched", "default", "legal", "meaning", "source"]
    return table(head, ([f"`{knob.name}`", searched(knob), f"{knob.default:g}", _legal(knob), knob.meaning, knob.source] for knob in knobs))


def _legal(knob: Knob) -> str:
    return f"{knob.legal[0]:g} to {knob.legal[1]:g}"
