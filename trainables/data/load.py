"""A data set by name, split and prepared as a study asks."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainables.data import augment as augmenting
from trainables.data import cache, corrupt
from trainables.data.check import check
from trainables.data.examples import Data, Examples
from trainables.data.prepare import ENOUGH, as_float, measured
from trainables.data.raw import Blocks, OnDisk, Raw
from trainables.data.sources import SOURCES, source
from trainables.data.splits import held_out, long_tail, stratified, subset, with_label_noise
from trainables.draws import stream

__all__ = ["SOURCES", "load"]

Rows = NDArray[np.int64]
Places = dict[str, tuple[str, Rows]]
"""Split to the source's part that it is taken from, and its rows there."""


def load(
    name: str,
    *,
    label_noise: float = 0.0,
    label_noise_kind: Literal["symmetric", "pairwise"] = "symmetric",
    fraction: float = 1.0,
    imbalance: float = 1.0,
    corruption: Mapping[str, Any] | None = None,
    augment: Mapping[str, Any] | None = None,
    test_share: float = 0.2,
    selection_share: float = 0.2,
    probe_share: float = 0.1,
    split_seed: int = 0,
    **options: Any,
) -> Data:
    """Load, split and corrupt a data set; the same arguments give the same splits and pictures in any process.

    Selection and test splits come first and depend on nothing but their shares and the seed. Then the training split is cut to a long tail
    and to a fraction, and its labels are made noisy.

    Args:
        name: Key of `SOURCES`, or `module:object`.
        label_noise: Share of the training labels replaced by another class. Selection and test labels stay clean.
        label_noise_kind: "symmetric": any other class; "pairwise": the next one.
        fraction: Share of the training examples that is used, stratified.
        imbalance: Size of the training split's largest class over its smallest's (a long tail); 1 leaves the classes as they are.
        corruption: Corrupted pictures: `kinds`, and for train, selection and test how severities are spread (see `corrupt.shares`). The
            severities 0 to 5 then are the groups.
        augment: What is done to training pictures: `shift`, `crop`, `flip`, `cutout` (see `augment.Augmentation`).
        test_share: Share of all examples held out as the test split, where the data set brings none.
        selection_share: Share of what remains held out as the selection split, where the data set brings none.
        probe_share: Share of the training split held out for methods that learn a hyperparameter.
        split_seed: Seed of the splits and of all that is done to them; independent of the members' seeds.
        options: What the data set's own source takes: `path`, mostly.

    Raises:
        ValueError: If an argument is illegal, or the files are missing or broken; the message says where.
    """
    given = {"label_noise": label_noise, "label_noise_kind": label_noise_kind, "fraction": fraction, "imbalance": imbalance}
    shares = {"test_share": test_share, "selection_share": selection_share, "probe_share": probe_share, "split_seed": split_seed}
    faults = check({"name": name, **given, **shares, "corruption": corruption, "augment": augment, **options})
    if faults:
        raise ValueError("; ".join(faults))
    raw, key = _read(name, options)
    places = _split(raw, test_share, selection_share, split_seed)
    if corruption is not None:
        raw = _corrupted(raw, key, places, corrupt.corruption(corruption), split_seed)
    part, training = places["train"]
    training = training[long_tail(raw.parts[part].y[training], imbalance, split_seed)] if imbalance > 1 else training
    training = training[subset(raw.y[training], fraction, split_seed)]
    noisy = with_label_noise(raw.y[training], len(raw.classes), label_noise, split_seed, label_noise_kind)
    whole = {part: _examples(held) for part, held in raw.parts.items()}
    found = whole[part][torch.from_numpy(training)]
    train = Examples(found.store, torch.from_numpy(noisy), found.group, found.rows)
    held, rest = held_out(noisy, probe_share, stream(split_seed, "probe"))
    few = train.spaced(ENOUGH)
    return Data(
        train=train,
        rest=train[torch.from_numpy(rest)],
        probe=train[torch.from_numpy(held)],
        selection=_taken(whole, places["selection"]),
        test=_taken(whole, places["test"]),
        classes=raw.classes,
        groups=raw.groups,
        shape=train.shape,
        prepare=measured(few.blocks()) if train.store.dtype == torch.uint8 else as_float,
        augmentation=augmenting.fitting(augmenting.Augmentation(**(augment or {})), train.shape),
    )


def _read(name: str, options: Mapping[str, Any]) -> tuple[Raw, str | None]:
    """The data set, and its name in the cache if it is there."""
    found = source(name)(**options)
    return cache.opened(found) if isinstance(found, OnDisk) else (found, None)


def _split(raw: Raw, test_share: float, selection_share: float, seed: int) -> Places:
    remaining = np.arange(len(raw.y))
    places: Places = {}
    for split, part, share in (("test", raw.test, test_share), ("selection", raw.selection, selection_share)):
        if part is None:
            chosen, left = stratified(raw.y[remaining], share, stream(seed, split))
            places[split], remaining = ("train", remaining[chosen]), remaining[left]
        else:
            places[split] = (split, np.arange(len(part.y)))
    return {**places, "train": ("train", remaining)}


def _corrupted(raw: Raw, key: str | None, places: Places, corruption: corrupt.Corruption, seed: int) -> Raw:
    """The data set with corrupted inputs and the severities as groups; kept in the cache where the data set is."""
    if raw.groups != ("all",):
        raise ValueError(
            f"corruption makes groups of its severities, but the data have groups already: {list(raw.groups[:5])}; leave one out"
        )
    if len(raw.x.shape) != 4 or raw.x.shape[1] not in (1, 3):
        raise ValueError(f"corruption needs pictures of 1 or 3 channels, got inputs of shape {raw.x.shape[1:]}")
    severity = {part: np.zeros(len(held.y), np.int64) for part, held in raw.parts.items()}
    for split, (part, rows) in places.items():
        labels = raw.parts[part].y[rows]
        severity[part][rows] = corrupt.severities(labels, corruption.shares[split], stream(seed, f"severity-{split}"))
    changed = corrupt.corrupted(raw, severity, corruption.kinds, seed)
    if key is None:
        return corrupt.in_memory(changed)
    spread = b"".join(severity[part].astype(np.uint8).tobytes() for part in raw.parts)
    return cache.stored(cache.derived(key, "corrupted 1", *corruption.kinds, seed, spread), lambda: changed)


def _taken(whole: dict[str, Examples], place: tuple[str, Rows]) -> Examples:
    part, rows = place
    return whole[part] if len(rows) == len(whole[part]) else whole[part][torch.from_numpy(rows)]


def _examples(raw: Raw) -> Examples:
    group = raw.group if raw.group is not None else np.zeros(len(raw.y), np.int64)
    return Examples(_tensor(raw.x), torch.from_numpy(raw.y), torch.from_numpy(group))


def _tensor(x: NDArray[Any] | Blocks) -> Tensor:
    """The inputs as a tensor on the same memory, where torch allows it: a file mapped for reading is mapped again, privately."""
    if isinstance(x, Blocks):
        return torch.from_numpy(np.concatenate(list(x.read())))
    if (
        isinstance(x, np.memmap)
        and x.filename is not None
        and not x.flags.writeable
        and x.base is not None
        and not isinstance(x.base, np.memmap)
    ):
        x = np.memmap(x.filename, x.dtype, mode="c", offset=x.offset, shape=x.shape, order="C" if x.flags.c_contiguous else "F")
    return torch.from_numpy(x if x.flags.writeable else x.copy())
