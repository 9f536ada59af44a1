"""The engine's competitor: one member at a time, as one writes it in PyTorch with modules, autograd and `torch.optim`.

Written to be fast where that costs no clarity: data are tensors in memory, losses are summed without waiting for them, and the criteria,
being functions of a vector of losses, are the project's own. Perturbations and mixings are written by hand, for those that fit a few lines.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from trainables import methods, nets
from trainables.axes import Criterion, Losses, Net
from trainables.data.examples import Data
from trainables.draws import streams

Mixed = tuple[Tensor, Tensor, float]
"""Inputs, the labels that they are mixed with, and the weight of their own."""


def module(name: str, shape: tuple[int, ...], classes: int, **options: object) -> nn.Module:
    """One of the project's nets, with torch's own batch norm."""
    built = nets.factory(name)(shape, classes, **options)
    for layer in built.modules():
        for own in (nn.BatchNorm1d, nn.BatchNorm2d):
            if isinstance(layer, own):
                layer.__class__ = own
    return built


def not_mixed(x: Tensor, y: Tensor, knobs: Mapping[str, float], generator: np.random.Generator) -> Mixed:
    """The examples as they are."""
    return x, y, 1.0


def mixup(x: Tensor, y: Tensor, knobs: Mapping[str, float], generator: np.random.Generator) -> Mixed:
    """Every example mixed with a partner."""
    ratio = generator.beta(knobs["alpha"], knobs["alpha"])
    partner = torch.from_numpy(generator.permutation(len(y)))
    return ratio * x + (1 - ratio) * x[partner], y[partner], ratio


def cutmix(x: Tensor, y: Tensor, knobs: Mapping[str, float], generator: np.random.Generator) -> Mixed:
    """A box of every picture from a partner's."""
    height, width = x.shape[-2:]
    side = np.sqrt(1 - generator.beta(knobs["alpha"], knobs["alpha"]))
    middle = generator.random(2) * (height, width)
    top, left = np.clip(middle - side * np.array((height, width)) / 2, 0, None).astype(int)
    bottom, right = np.clip(middle + side * np.array((height, width)) / 2, None, (height, width)).astype(int)
    partner = torch.from_numpy(generator.permutation(len(y)))
    mixed = x.clone()
    mixed[..., top:bottom, left:right] = x[partner][..., top:bottom, left:right]
    return mixed, y[partner], 1 - (bottom - top) * (right - left) / (height * width)


class Sharpness:
    """SAM or ASAM around an optimiser: `ascend` with the gradient at w, `descend` with the one at w + e."""

    def __init__(self, parameters: list[tuple[str, nn.Parameter]], optimizer: torch.optim.Optimizer, rho: float, adaptive: bool) -> None:
        self.parameters, self.optimizer, self.rho, self.adaptive = parameters, optimizer, rho, adaptive

    @torch.no_grad()
    def ascend(self) -> None:
        """To w + e; the gradient is cleared."""
        sizes = [weight.abs() + 0.01 if self.adaptive and name.endswith("weight") else 1.0 for name, weight in self.parameters]
        scaled = [size * weight.grad for size, (_, weight) in zip(sizes, self.parameters, strict=True)]
        scale = self.rho / (torch.stack([one.norm() for one in scaled]).norm() + 1e-12)
        self.steps = [one * size * scale for size, one in zip(sizes, scaled, strict=True)]
        for step, (_, weight) in zip(self.steps, self.parameters, strict=True):
            weight.add_(step)
        self.optimizer.zero_grad()

    @torch.no_grad()
    def descend(self) -> None:
        """Back to w, and a step from there."""
        for step, (_, weight) in zip(self.steps, self.parameters, strict=True):
            weight.sub_(step)
        self.optimizer.step()
        self.optimizer.zero_grad()


MIXINGS: dict[str, Callable[..., Mixed]] = {"none": not_mixed, "mixup": mixup, "cutmix": cutmix}
PERTURBATIONS = {"none", "sam", "asam"}


def known(preset: str) -> bool:
    """Whether a preset can be trained here: its criterion must not learn, either."""
    axes = methods.PRESETS[preset]
    criterion = methods.make(axes).criterion
    return axes.mixing in MIXINGS and axes.perturbation in PERTURBATIONS and criterion.adapt is Criterion._field_defaults["adapt"]


class Loop(NamedTuple):
    """A member, and what trains it."""

    net: nn.Module
    optimizer: torch.optim.Optimizer
    sharpness: Sharpness | None
    mix: Callable[..., Mixed]
    risk: Callable[[Tensor], Tensor]
    knobs: Mapping[str, float]

    def epoch(self, x: Tensor, y: Tensor, batch: int, generator: np.random.Generator) -> Tensor:
        """One pass over the examples; returns the mean risk."""
        order = torch.from_numpy(generator.permutation(len(y)))
        total = torch.zeros(())
        steps = len(y) // batch
        for number in range(steps):
            chosen = order[number * batch : (number + 1) * batch]
            total += self.step(x[chosen], y[chosen], generator)
        return total / steps

    def step(self, x: Tensor, y: Tensor, generator: np.random.Generator) -> Tensor:
        """One step; returns the risk at w."""
        mixed, other, ratio = self.mix(x, y, self.knobs, generator)
        risk = self._risk(mixed, y, other, ratio)
        risk.backward()
        if self.sharpness is None:
            self.optimizer.step()
            self.optimizer.zero_grad()
            return risk.detach()
        self.sharpness.ascend()
        _track(self.net, False)
        self._risk(mixed, y, other, ratio).backward()
        _track(self.net, True)
        self.sharpness.descend()
        return risk.detach()

    def _risk(self, x: Tensor, y: Tensor, other: Tensor, ratio: float) -> Tensor:
        logits = self.net(x)
        losses = ratio * cross_entropy(logits, y, reduction="none")
        if ratio < 1:
            losses = losses + (1 - ratio) * cross_entropy(logits, other, reduction="none")
        return self.risk(losses)


def loop(preset: str, net: Mapping[str, object], data: Data, knobs: Mapping[str, float]) -> Loop:
    """A member of a preset's method, ready to be trained."""
    axes = methods.PRESETS[preset]
    spec: dict[str, Any] = {**net, "shape": data.shape, "classes": len(data.classes)}
    built = module(**spec)
    optimizer = torch.optim.SGD(built.parameters(), lr=knobs["lr"], momentum=0.9)
    sharpness = None
    if axes.perturbation != "none":
        sharpness = Sharpness(list(built.named_parameters()), optimizer, knobs["rho"], axes.perturbation == "asam")
    return Loop(built, optimizer, sharpness, MIXINGS[axes.mixing], _risk(preset, nets.build(**spec), knobs), knobs)


def _risk(preset: str, net: Net, knobs: Mapping[str, float]) -> Callable[[Tensor], Tensor]:
    if methods.PRESETS[preset].criterion == "mean":
        return Tensor.mean
    criterion = methods.make(methods.PRESETS[preset]).criterion
    hyper = {name: torch.tensor(value) for name, value in knobs.items()}
    state = criterion.init(streams(0), hyper, net, net.init(streams(0)))
    return lambda losses: criterion.risk(state, hyper, Losses(losses, torch.full_like(losses, 1 / len(losses))))


def _track(net: nn.Module, wanted: bool) -> None:
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.track_running_stats = wanted
