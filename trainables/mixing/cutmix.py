"""cutmix: paste a box of one picture into another and mix the labels by area."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.axes import Batch, Buffers, Hyper, Losses, Mixing, Mixture, Model, Net, Recipe, State, keep
from trainables.crossentropy import evenly
from trainables.draws import Streams
from trainables.mixing.mixup import ALPHA, mixed_cross_entropy, partners, ratios

CUTMIX_ALPHA = ALPHA._replace(
    meaning="box area's spread: 1 - area ~ Beta(alpha, alpha); 0 cuts nothing",
    source="Yun 2019, section 4.1: 1 [read]; range ours",
)


def cutmix() -> Mixing:
    """Replace a box of every picture by the same box of its partner's.

        x~ = x[pi] inside the box, x outside;    box: sides sqrt(1 - l) of the picture's, l ~ Beta(alpha, alpha), centre uniform
        loss_i = lambda CE(f(x~_i), y_i) + (1 - lambda) CE(f(x~_i), y_pi(i)),    lambda = 1 - (area of the box) / (area of the picture)

    The box is clipped at the border, and lambda is that of the clipped box. Sides are rounded to the nearest pixel [ours]; the authors'
    code rounds them down to even numbers, which on small pictures makes boxes much too small. One box, lambda and permutation a step.
    What the criterion sees: the batch's B mixed losses, equally weighted.

    References:
        Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers", 2019, arXiv 1905.04899, section 3 [read].
    """
    return Mixing(draw=draw, losses=losses, show=show, knobs=(CUTMIX_ALPHA,), needs=frozenset({"image"}))


def draw(stream: Streams, knobs: Mapping[str, float], steps: int, size: int, net: Net) -> Recipe:
    """Boxes (steps, 4), the ratios (steps,) that they leave, and pairings (steps, size).

    Raises:
        ValueError: If the inputs are no pictures.
    """
    if len(net.shape) != 3:
        raise ValueError(f"cutmix needs pictures (channels, height, width), got inputs of shape {net.shape}; use mixup")
    height, width = net.shape[1:]
    kept = ratios(stream("ratio"), knobs["alpha"], steps).numpy()
    box = boxes(kept, stream("centre").random((steps, 2)), height, width)
    area = (box[:, 1] - box[:, 0]) * (box[:, 3] - box[:, 2])
    ratio = 1 - area / (height * width)
    return {"ratio": torch.from_numpy(ratio), "partner": partners(stream("partner"), steps, size), "box": torch.from_numpy(box)}


def boxes(kept: NDArray[np.float64], centre: NDArray[np.float64], height: int, width: int) -> NDArray[np.int64]:
    """Clipped boxes (steps, 4) as top, bottom, left, right; bottom and right lie outside.

    Args:
        kept: Share of the picture to keep, (steps,).
        centre: Where the centre lies, (steps, 2), in [0, 1) of height and width.
        height, width: Of the picture, in pixels.
    """
    ends = []
    for axis, length in enumerate((height, width)):
        side = np.floor(length * np.sqrt(1 - kept) + 0.5).astype(np.int64)
        begin = np.floor(centre[:, axis] * length).astype(np.int64) - side // 2
        ends += [begin.clip(0, length), (begin + side).clip(0, length)]
    return np.stack(ends, axis=1)


def losses(state: State, hyper: Hyper, recipe: Recipe, net: Net, model: Model, batch: Batch) -> tuple[Losses, Buffers]:
    """Mixed cross-entropy (B,) and the running statistics after the pass."""
    logits, buffers = net.apply(model, pasted(batch.x, recipe), keep)
    return evenly(mixed_cross_entropy(logits, hyper, recipe, net, batch)), buffers


def pasted(x: Tensor, recipe: Recipe) -> Tensor:
    """The pictures (B, channels, height, width) with their partner's box."""
    return torch.where(inside(recipe["box"], x), x[recipe["partner"]], x)


def inside(box: Tensor, x: Tensor) -> Tensor:
    """Which pixels of pictures like `x` lie in the box, (height, width)."""
    rows, columns = (torch.arange(length, device=x.device) for length in x.shape[-2:])
    top, bottom, left, right = box.unbind()
    return ((rows >= top) & (rows < bottom))[:, None] & ((columns >= left) & (columns < right))


def show(state: State, hyper: Hyper, recipe: Recipe, net: Net, batch: Batch) -> Mixture:
    """The batch's pictures with the boxes pasted in; the share is 1 in the box."""
    share = inside(recipe["box"], batch.x).to(batch.x.dtype).expand(batch.x.shape[0], *batch.x.shape[-2:])
    return Mixture(batch.x, batch.x[recipe["partner"]], share, pasted(batch.x, recipe), recipe["ratio"])
