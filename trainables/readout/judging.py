"""How an encoder that was trained without labels is judged: by what simple classifiers make of its features, and by their spread."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import vmap
from torch.nn.functional import cross_entropy

from trainables.axes import Model
from trainables.contrastive.projection import projected
from trainables.data.examples import Examples
from trainables.data.splits import held_out
from trainables.draws import stream
from trainables.engine.features import Floats
from trainables.engine.judging import Checkup, Figures, Judging, Trained
from trainables.engine.step import Member
from trainables.evidence import COLLAPSED
from trainables.readout import logistic
from trainables.readout.logistic import Linear
from trainables.readout.neighbours import voted

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)
"""L2 strengths tried on features scaled to unit variance; the one with the lowest cross-entropy on the selection split is taken."""

LABELLED = {"labels_1": 0.01, "labels_10": 0.1, "labels_100": 1.0}
"""Shares of the training labels at which label efficiency is measured, by the name of the figure."""

DRAWS = 5
"""Draws of the labelled examples that such a figure averages over."""

COMPARED = 256
"""Training examples whose embeddings' spread is looked at."""

LEAST_SPREAD = 1e-3
"""Spread of embeddings below which a member has collapsed [ours]: random directions have 1, a network before training about 0.02."""

TIMES = 10
"""How often a training is judged, which takes longer than an epoch of a small net."""

NUMBERS_AT_ONCE = 2**24
"""Numbers of features of which classifiers are fitted together."""


def judging() -> Judging:
    """Linear readouts for heads, nearest neighbours, label efficiency, and a watch for collapse."""
    return Judging(with_readouts, checkup, closing, due)


def with_readouts(trained: Trained) -> Member:
    """The group with its heads fitted to the frozen features of the training split, strengths chosen on the selection split.

    Raises:
        ValueError: If the net's head has no bias.
    """
    params = trained.group.model.params
    if "head.bias" not in params:
        raise ValueError("a readout takes the place of the net's head, which must have a bias; use nn.Linear(width, classes)")
    data, classes = trained.data, len(trained.data.classes)
    train, selection = trained.features(data.train), trained.features(data.selection)
    found: list[Linear] = []
    for rows in _few(train):
        known = _labels(data.train, trained.device)[None].expand(len(train[rows]), -1)
        found.append(
            readout(
                _tensor(train[rows], trained.device),
                known,
                _tensor(selection[rows], trained.device),
                _labels(data.selection, trained.device),
                classes,
            )
        )
    weight, bias = (torch.cat(parts).to(params["head.bias"]) for parts in zip(*found, strict=True))
    model = Model({**params, "head.weight": weight, "head.bias": bias}, trained.group.model.buffers)
    return trained.group._replace(model=model)


def readout(features: Tensor, y: Tensor, selection: Tensor, truth: Tensor, classes: int, within: Tensor | None = None) -> Linear:
    """One classifier a problem, of the strength that does best on the selection split.

    Args:
        features, y: Labelled examples, (problems, n, width) in float64 and (problems, n).
        selection, truth: The selection split's, (problems, N, width) and (N,).
        classes: How many classes.
        within: Features by which width is scaled, labelled or not; the labelled ones by default.
    """
    scale = (features if within is None else within).std(1, keepdim=True).clamp_min(1e-8)
    tried = logistic.fitted(features / scale, y, classes, STRENGTHS)
    scores = logistic.logits(tried, (selection / scale)[:, None])
    losses = cross_entropy(scores.flatten(0, 2), truth.repeat(scores.shape[:2].numel()), reduction="none")
    best = losses.view(scores.shape[:3]).mean(-1).argmin(1)
    each = torch.arange(len(features), device=features.device)
    return Linear(tried.weight[each, best] / scale, tried.bias[each, best])


def due(epoch: int, epochs: int) -> bool:
    """Every tenth of a training."""
    return epoch % max(1, round(epochs / TIMES)) == 0


def checkup(trained: Trained) -> Checkup:
    """How far embeddings spread; a member whose embeddings are all about the same has collapsed."""
    some = trained.data.train.spaced(COMPARED)
    features = torch.from_numpy(trained.features(some)).to(trained.device)
    spreads = [spread(one) for one in vmap(projected)(trained.group.model.params, features)]
    return Checkup({"embedding_spread": spreads}, [COLLAPSED if value < LEAST_SPREAD else None for value in spreads])


def spread(embeddings: Tensor) -> float:
    """sqrt(width) times the mean standard deviation of a coordinate of embeddings (N, width) of length 1: 0 where all are one.

    References:
        Chen & He, "Exploring Simple Siamese Representation Learning", 2021, arXiv 2011.10566, section 4.1 [read].
    """
    return embeddings.double().std(0, correction=0).mean().item() * embeddings.shape[1] ** 0.5


def closing(trained: Trained, examples: Examples) -> Figures:
    """Accuracies on the scored split: nearest neighbours', and readouts' that were fitted to a part of the labels."""
    data, figures = trained.data, {name: list[float]() for name in ("neighbours", *LABELLED)}
    known, wanted, classes = _labels(data.train, trained.device), _labels(examples, trained.device), len(data.classes)
    splits = [trained.features(split) for split in (data.train, data.selection, examples)]
    for seed, *row in zip(trained.seeds, *splits, strict=True):
        train, selection, scored = (_tensor(part, trained.device) for part in row)
        figures["neighbours"].append(_share(voted(scored, train, known, classes) == wanted))
        for name, share in LABELLED.items():
            chosen = labelled(data.train.y.cpu().numpy(), share, seed).to(trained.device)
            repeated = selection[None].expand(len(chosen), -1, -1)
            found = readout(train[chosen], known[chosen], repeated, _labels(data.selection, trained.device), classes, train[None])
            figures[name].append(_share(logistic.logits(found, scored[None]).argmax(-1) == wanted))
    return figures


def labelled(y: NDArray[np.int64], share: float, seed: int) -> Tensor:
    """Draws of the examples whose labels are known, (draws, n): of every class its share, one at least; one draw where all are known.

    They follow from the member's seed, so that configurations are compared on the same labels.
    """
    if share == 1:
        return torch.arange(len(y))[None]
    return torch.stack([torch.from_numpy(held_out(y, share, stream(seed, "labels", draw))[0]) for draw in range(DRAWS)])


def _few(features: Floats) -> list[slice]:
    """The rows in parts whose features are not too many at once."""
    count = max(1, NUMBERS_AT_ONCE // features[0].size)
    return [slice(begin, begin + count) for begin in range(0, len(features), count)]


def _tensor(features: Floats, device: str) -> Tensor:
    return torch.from_numpy(features).to(device, torch.float64)


def _labels(examples: Examples, device: str) -> Tensor:
    return examples.y.to(device)


def _share(right: Tensor) -> float:
    return right.double().mean().item()
