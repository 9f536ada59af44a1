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

Mix = Callable[[Tensor, Tensor, float, Tensor, np.random.Generator], Mixed]
"""(inputs, labels, ratio, partners, source of further randomness) -> the mixed batch."""


def module(name: str, shape: tuple[int, ...], classes: int, **options: object) -> nn.Module:
    """One of the project's nets, with torch's own batch norm."""
    built = nets.factory(name)(shape, classes, **options)
    for layer in built.modules():
        for own in (nn.BatchNorm1d, nn.BatchNorm2d):
            if isinstance(layer, own):
                layer.__class__ = own
    return built


def not_mixed(x: Tensor, y: Tensor, ratio: float, partner: Tensor, generator: np.random.Generator) -> Mixed:
    """The examples as they are."""
    return x, y, 1.0


def mixup(x: Tensor, y: Tensor, ratio: float, partner: Tensor, generator: np.random.Generator) -> Mixed:
    """Every example mixed with its partner."""
    return ratio * x + (1 - ratio) * x[partner], y[partner], ratio


def cutmix(x: Tensor, y: Tensor, ratio: float, partner: Tensor, generator: np.random.Generator) -> Mixed:
    """A box of every picture from its partner's."""
    sizes = np.array(x.shape[-2:])
    half, middle = np.sqrt(1 - ratio) * sizes / 2, generator.random(2) * sizes
    top, left = np.clip(middle - half, 0, None).astype(int)
    bottom, right = np.clip(middle + half, None, sizes).astype(int)
    mixed = x.clone()
    mixed[..., top:bottom, left:right] = x[partner][..., top:bottom, left:right]
    return mixed, y[partner], float(1 - (bottom - top) * (right - left) / sizes.prod())


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


MIXINGS: dict[str, Mix] = {"none": not_mixed, "mixup": mixup, "cutmix": cutmix}
PERTURBATIONS = {"none", "sam", "asam"}


def known(preset: str) -> bool:
    """Whether a preset can be trained here: its criterion must not learn, either."""
    axes = methods.PRESETS[preset]
    criterion = methods.make(axes).criterion
    return axes.mixing in MIXINGS and axes.perturbation in PERTURBATIONS and criterion.adapt is Criterion._field_defaults["adapt"]


class Loop(NamedTuple):
    """A member, and what trains it.

    Attributes:
        net, optimizer, sharpness: The pieces; no sharpness where the method has none.
        mix, alpha: How examples are mixed, and the spread of the ratio.
        risk: From losses to the scalar that is differentiated.
        half: Whether the net is computed under bfloat16 autocast.
    """

    net: nn.Module
    optimizer: torch.optim.Optimizer
    sharpness: Sharpness | None
    mix: Mix
    alpha: float
    risk: Callable[[Tensor], Tensor]
    half: bool = False

    def epoch(self, x: Tensor, y: Tensor, batch: int, generator: np.random.Generator) -> Tensor:
        """One pass over the examples, all of it drawn beforehand; returns the mean risk."""
        steps, device = len(y) // batch, x.device
        order = torch.from_numpy(generator.permutation(len(y))).to(device)
        partners = torch.from_numpy(generator.permuted(np.tile(np.arange(batch), (steps, 1)), axis=1)).to(device)
        ratios = generator.beta(self.alpha, self.alpha, steps)
        total = torch.zeros((), device=device)
        for number in range(steps):
            chosen = order[number * batch : (number + 1) * batch]
            total += self.step(*self.mix(x[chosen], y[chosen], float(ratios[number]), partners[number], generator), y[chosen])
        return total / steps

    def step(self, x: Tensor, other: Tensor, ratio: float, y: Tensor) -> Tensor:
        """One step; returns the risk at w."""
        risk = self._risk(x, y, other, ratio)
        risk.backward()
        if self.sharpness is None:
            self.optimizer.step()
            self.optimizer.zero_grad()
            return risk.detach()
        self.sharpness.ascend()
        _track(self.net, False)
        self._risk(x, y, other, ratio).backward()
        _track(self.net, True)
        self.sharpness.descend()
        return risk.detach()

    def _risk(self, x: Tensor, y: Tensor, other: Tensor, ratio: float) -> Tensor:
        with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=self.half):
            logits = self.net(x).float()
        losses = ratio * cross_entropy(logits, y, reduction="none")
        if ratio < 1:
            losses = losses + (1 - ratio) * cross_entropy(logits, other, reduction="none")
        return self.risk(losses)


def loop(preset: str, net: Mapping[str, object], data: Data, knobs: Mapping[str, float], device: str = "cpu", half: bool = False) -> Loop:
    """A member of a preset's method, ready to be trained."""
    axes = methods.PRESETS[preset]
    spec: dict[str, Any] = {**net, "shape": data.shape, "classes": len(data.classes)}
    built = module(**spec).to(device)
    optimizer = torch.optim.SGD(built.parameters(), lr=knobs["lr"], momentum=0.9)
    sharpness = None
    if axes.perturbation != "none":
        sharpness = Sharpness(list(built.named_parameters()), optimizer, knobs["rho"], axes.perturbation == "asam")
    risk = _risk(preset, nets.build(**spec), knobs)
    return Loop(built, optimizer, sharpness, MIXINGS[axes.mixing], knobs.get("alpha", 1.0), risk, half)


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
