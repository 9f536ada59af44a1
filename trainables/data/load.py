"""A data set by name, split and prepared as a study asks."""

from collections.abc import Callable

import numpy as np
import torch

from trainables.data.digits import digits
from trainables.data.examples import Data, Examples
from trainables.data.raw import Raw
from trainables.data.splits import stratified, subset, with_label_noise
from trainables.draws import stream

SOURCES: dict[str, Callable[[], Raw]] = {"digits": digits}
"""Data sets by the name that a study file gives."""


def load(
    name: str,
    *,
    label_noise: float = 0.0,
    fraction: float = 1.0,
    test_share: float = 0.2,
    selection_share: float = 0.2,
    probe_share: float = 0.1,
    split_seed: int = 0,
) -> Data:
    """Load, split and corrupt a data set; the same arguments give the same splits in any process.

    Args:
        name: Key of `SOURCES`.
        label_noise: Share of the training labels replaced by another class. Selection and test labels stay clean.
        fraction: Share of the training examples that is used, stratified.
        test_share: Share of all examples held out as the test split, where the data set brings none.
        selection_share: Share of what remains held out as the selection split.
        probe_share: Share of the training split held out for methods that learn a hyperparameter.
        split_seed: Seed of the splits, the noise and the fraction; independent of the members' seeds.
    """
    raw = SOURCES[name]()
    everything = _examples(raw)
    y = raw.y
    if raw.test is None:
        test_rows, remaining = stratified(y, test_share, stream(split_seed, "test"))
        test = everything[torch.from_numpy(test_rows)]
    else:
        test, remaining = _examples(raw.test), np.arange(len(y))
    chosen, training = stratified(y[remaining], selection_share, stream(split_seed, "selection"))
    selection, training = everything[torch.from_numpy(remaining[chosen])], remaining[training]
    training = training[subset(y[training], fraction, split_seed)]
    train = everything[torch.from_numpy(training)]
    noisy = with_label_noise(y[training], len(raw.classes), label_noise, split_seed)
    train = Examples(train.x, torch.from_numpy(noisy), train.group)
    held, rest = stratified(noisy, probe_share, stream(split_seed, "probe"))
    return Data(
        train=train,
        rest=train[torch.from_numpy(rest)],
        probe=train[torch.from_numpy(held)],
        selection=selection,
        test=test,
        classes=raw.classes,
        groups=raw.groups,
        shape=tuple(everything.x.shape[1:]),
    )


def _examples(raw: Raw) -> Examples:
    group = raw.group if raw.group is not None else np.zeros(len(raw.y), np.int64)
    return Examples(torch.from_numpy(raw.x), torch.from_numpy(raw.y), torch.from_numpy(group))
