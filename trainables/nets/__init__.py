"""Networks by name, each on the staged seam."""

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch

from trainables import arguments, plugin
from trainables.axes import Net
from trainables.nets.cnn import cnn
from trainables.nets.mlp import mlp
from trainables.nets.resnet import resnet18, wide_resnet
from trainables.nets.staged import Staged, functional
from trainables.nets.vit import vit

NETS: dict[str, Callable[..., Staged]] = {"mlp": mlp, "cnn": cnn, "resnet18": resnet18, "wide-resnet": wide_resnet, "vit": vit}
"""Factories of nets by name: (shape of one input, classes, options) -> the module. `module:object` names one of the user's own."""


def build(name: str, shape: tuple[int, ...], classes: int, **options: object) -> Net:
    """The net called `name` for inputs of `shape`.

    Raises:
        ValueError: If there is no such net, or it cannot be built like that.
    """
    faults = check({"name": name, **options})
    if faults:
        raise ValueError("; ".join(faults))
    make = factory(name)
    return functional(lambda: make(shape, classes, **options), shape)


def factory(name: str) -> Callable[..., Staged]:
    """The factory of a net: one of `NETS`, or the user's own.

    Raises:
        ValueError: If there is no such net.
    """
    name = plugin.spelled_out("net", name)
    if plugin.is_named(name):
        return plugin.found(name)
    if name not in NETS:
        raise ValueError(arguments.unknown(f"net {name}", name, [*NETS, "module:object"]))
    return NETS[name]


def makes_net(thing: object, given: Collection[str] = ()) -> bool:
    """Whether an object takes what factories of nets take before any options: a shape and a number of classes, neither with a default."""
    try:
        leading = list(inspect.signature(thing).parameters.values())[:2]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    return len(leading) == 2 and all(one.default is one.empty and one.name not in given for one in leading)


def check(spec: Mapping[str, Any], shape: tuple[int, ...] | None = None, classes: int = 2, where: str = "net") -> list[str]:
    """Every fault of a study file's `net`, each as "net.key what must hold, what was given".

    Args:
        spec: Arguments of `build` beside shape and classes, with `name`.
        shape: Shape of one input, where it is known: the net is then built, without memory for its weights.
        classes: Number of classes.
        where: Key of the mapping in the file.
    """
    name = spec.get("name")
    if not isinstance(name, str):
        return [f"{where}.name must name a net ({', '.join(NETS)}, or module:object), got {name!r}"]
    try:
        make = factory(name)
    except ValueError as error:
        return [f"{where}.name {str(error).removeprefix('net ')}"]
    options = {key: value for key, value in spec.items() if key != "name"}
    found = arguments.faults(where, make, options, skip=2, beside=("name",))
    found += [f"{where}.{key} must be at least 1, got {value}" for key, value in options.items() if type(value) is int and value < 1]
    return found if found or shape is None else _built(make, shape, classes, options, where)


def _built(make: Callable[..., Staged], shape: tuple[int, ...], classes: int, options: Mapping[str, Any], where: str) -> list[str]:
    try:
        with torch.device("meta"):
            made = make(shape, classes, **options)
    except ValueError as error:
        return [f"{where} {error}"]
    except Exception as error:  # noqa: BLE001 the user's own code may raise anything
        return [f"{where} cannot be built for inputs of shape {shape}: {plugin.said(error)}"]
    return [] if isinstance(made, Staged) else [f"{where}.name must make a trainables.nets.staged.Staged, it made {type(made).__name__}"]
