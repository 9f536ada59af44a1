"""A user's own strategy, method, net or data set, examined: what it is, and each promise kept or broken in words."""

from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, NamedTuple

import torch

from trainables import methods, nets, own, plugin
from trainables.axes import Method
from trainables.contract.bench import CLASSES, Bench, digits, noise, usual
from trainables.contract.promises import PROMISES, alone_as_in_a_group
from trainables.contract.vocabulary import spoken
from trainables.data.load import load
from trainables.methods import Axes

PARTNERS = {
    "mixing": (Axes(perturbation="sam", criterion="softad"), Axes(perturbation="lets-asam", criterion="cvar")),
    "perturbation": (Axes(mixing="mixup", criterion="softad"), Axes(mixing="synermix", criterion="cvar")),
    "criterion": (Axes(mixing="mixup", perturbation="sam"), Axes(mixing="synermix", perturbation="lets-asam")),
}
"""What a strategy of one axis is combined with on the others."""

SHAPES = ((1, 8, 8), (3, 32, 32), (64,))
"""Inputs that a net is tried with, until it takes one."""

HINTS = {
    ".item()": "steps are mapped over members, so nothing may branch on a tensor or make it a Python number; choose with torch.where",
    "data-dependent control flow": "steps are mapped over members, so nothing may branch on a tensor; choose with torch.where",
    "dynamic shape": "steps are mapped over members, so nothing may be selected by a mask; multiply by it instead",
    "randomness": "random numbers are drawn beforehand, in draw or init, from the stream that is passed in",
}
"""Words of torch's messages, and what they mean here."""


class Finding(NamedTuple):
    """One promise: its words, and how it is broken, empty where it is kept; `raised` where it could not even be tried."""

    promise: str
    broken: tuple[str, ...]
    raised: bool = False


def examined(name: str, options: Mapping[str, Any]) -> Iterator[Finding]:
    """Examine `module:object`: find out what it is, and try it. What follows from an earlier fault is not tried.

    Args:
        name: The object.
        options: Options of its factory, of the net or of the data set.

    Raises:
        ValueError: If there is no such object.
    """
    thing = plugin.found(name)
    if nets.makes_net(thing, options):
        yield from _net(name, options)
    elif _is_strategy(name, options):
        yield from _strategy(name, options)
    else:
        yield from _data(name, options)


def _is_strategy(name: str, options: Mapping[str, Any]) -> bool:
    try:
        own.filled(name, **options)
    except own.OtherKindError:
        return False
    return True


def _strategy(name: str, options: Mapping[str, Any]) -> Iterator[Finding]:
    axes = methods.holding(name, **options)
    filled = [axis for axis, choice in axes._asdict().items() if choice == name]
    if "mixing" not in filled and "mixing" in methods.make(axes, **options).needs:
        axes = axes._replace(mixing="mixup")
    method = methods.make(axes, **options)
    yield Finding(f"{name} is a {'method' if len(filled) == 3 else filled[0]} with the knobs {_listed(method)}", ())
    first = _tried("its functions take and return what trainables.axes says", lambda: spoken(usual(), method))
    yield first
    if first.broken:
        return
    fine = yield from _promises(usual(), method)
    if fine and len(filled) == 1:
        yield from (_combined(axes, partner, filled[0], options) for partner in PARTNERS[filled[0]])


def _listed(method: Method) -> str:
    return ", ".join(knob.name for knob in method.knobs) or "none of its own"


def _promises(bench: Bench, method: Method) -> Generator[Finding, None, bool]:
    """Each promise until one cannot be tried; whether all could."""
    for promise in PROMISES:
        found = _tried(_sentence(promise), lambda promise=promise: promise(bench, method))
        yield found
        if found.raised:
            return False
    return True


def _combined(axes: Axes, partner: Axes, axis: str, options: Mapping[str, Any]) -> Finding:
    chosen = partner._replace(**{axis: getattr(axes, axis)})
    others = " x ".join(choice for key, choice in chosen._asdict().items() if key != axis)
    words = f"with {others} a member ends with the same weights alone and in a group"
    return _tried(words, lambda: alone_as_in_a_group(usual(), methods.make(chosen, **options)))


def _net(name: str, options: Mapping[str, Any]) -> Iterator[Finding]:
    spec = {"name": name, **options}
    faults = nets.check(spec)
    shape = next((shape for shape in SHAPES if not nets.check(spec, shape, CLASSES)), None)
    if faults or shape is None:
        found = faults or nets.check(spec, SHAPES[0], CLASSES)
        yield Finding(f"{name} makes a net for inputs of one of the shapes {', '.join(map(str, SHAPES))}", tuple(found[:1]))
        return
    data = digits() if shape == SHAPES[0] else noise(shape)
    built: list[Bench] = []

    def build() -> list[str]:
        built.append(Bench(nets.build(name, shape, CLASSES, **options), data))
        return [] if built[0].net.classes == CLASSES else [f"its head must have {CLASSES} outputs, it has {built[0].net.classes}"]

    first = _tried(f"{name} makes a net of {CLASSES} classes for inputs of shape {shape}", build)
    yield first
    if not first.broken:
        yield _tried("it trains as a plain function of its weights", lambda: spoken(built[0], methods.make(Axes())))
        yield from _promises(built[0], methods.make(Axes(mixing="manifold-mixup", perturbation="sam")))


def _data(name: str, options: Mapping[str, Any]) -> Iterator[Finding]:
    first = _tried(f"{name} is a data set that splits", lambda: load(name, **options) and [])
    yield first
    if first.broken:
        return
    data, again = load(name, **options), load(name, **options)
    words = "it is the same whenever it is loaded; draw from trainables.draws.stream, or from a generator with a fixed seed"
    parts = [(getattr(data, split), getattr(again, split)) for split in ("train", "selection", "test")]
    same = all(torch.equal(left.y, right.y) and torch.equal(left.x, right.x) for left, right in parts)
    yield Finding("it is the same whenever it is loaded", () if same else (words,))
    finite = all(bool(block.isfinite().all()) for split in ("train", "selection", "test") for block in getattr(data, split).blocks())
    yield Finding("its inputs are finite", () if finite else ("an input must be a finite number, there are others",))
    bench = Bench(nets.build("mlp", data.shape, len(data.classes), width=8), data)
    yield _tried("a member ends with the same weights alone and in a group", lambda: alone_as_in_a_group(bench, methods.make(Axes())))


def _tried(words: str, attempt: Callable[[], list[str]]) -> Finding:
    """The finding of an attempt; whatever the user's code raises is a finding too."""
    try:
        return Finding(words, tuple(attempt()))
    except Exception as error:  # noqa: BLE001 it is the user's code that is tried
        hint = next((f"; {hint}" for word, hint in HINTS.items() if word in str(error)), "")
        return Finding(words, (plugin.said(error) + hint,), raised=True)


def _sentence(promise: Callable[..., Any]) -> str:
    words = (promise.__doc__ or "").split("\n")[0].rstrip(".")
    return words[:1].lower() + words[1:]
