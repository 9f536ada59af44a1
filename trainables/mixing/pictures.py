"""A page of pictures of what a mixing does: two sources, the mask, the mixed picture, the ratio."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from trainables import tree
from trainables.axes import Batch, Mixing, Net, State
from trainables.draws import Streams

RATIOS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Shares of the first picture shown by default."""


class Page(NamedTuple):
    """P pairs of pictures, each mixed with R ratios.

    Attributes:
        first, second: The sources, (P, *shape), as the network is given them.
        share: How much of each pixel comes from the second, (P, R, height, width), in [0, 1].
        mixed: (P, R, *shape).
        ratio: Weight of the first one's label, (R,), in ascending order.
    """

    first: NDArray[np.floating]
    second: NDArray[np.floating]
    share: NDArray[np.floating]
    mixed: NDArray[np.floating]
    ratio: NDArray[np.floating]


def page(
    mixing: Mixing,
    state: State,
    numbers: Mapping[str, float],
    net: Net,
    batch: Batch,
    stream: Streams,
    pairs: int = 4,
    ratios: Sequence[float] = RATIOS,
) -> Page | None:
    """What a member's mixing makes of a batch.

    Args:
        mixing: The method's mixing; one that mixes no inputs has no page.
        state: One member's mixing state, without the axis of rows.
        numbers: The member's numbers by name.
        net: The net.
        batch: Some training batch; a learned mixer looks at the whole of it.
        stream: Draws the pairing, and cutmix' boxes.
        pairs: Pairs at most; an example that is its own partner makes none.
        ratios: Shares of the first picture; a mixing whose ratio follows from its boxes shows as many boxes instead.
    """
    if mixing.show is None:
        return None
    drawn = mixing.draw(stream, numbers, len(ratios), batch.y.shape[0], net)
    dtype, device = batch.x.dtype, batch.x.device
    recipes = tree.map(lambda leaf: leaf.to(device, dtype) if leaf.is_floating_point() else leaf.to(device), drawn)
    recipes["partner"] = recipes["partner"][:1].expand(len(ratios), -1)
    if "box" not in recipes:
        recipes["ratio"] = torch.tensor(ratios, dtype=dtype, device=device)
    hyper = {name: torch.tensor(value, dtype=dtype, device=device) for name, value in numbers.items()}
    steps = [tree.take(recipes, int(number)) for number in recipes["ratio"].argsort()]
    with torch.no_grad():
        shown = [mixing.show(state, hyper, recipe, net, batch) for recipe in steps]
    kept = (recipes["partner"][0] != torch.arange(len(batch.y), device=device)).nonzero()[:pairs, 0]
    share, mixed = (torch.stack([getattr(one, name)[kept] for one in shown], dim=1) for name in ("share", "mixed"))
    ratio = torch.stack([one.ratio for one in shown])
    return Page(*(leaf.cpu().numpy() for leaf in (shown[0].first[kept], shown[0].second[kept], share, mixed, ratio)))
