"""A run as bytes and back: the stacked members as one tree, with a digest so that a torn file is noticed."""

import hashlib
import io
import pickle  # for the error that torch raises
from collections.abc import Sequence
from typing import Any

import torch

from trainables import tree
from trainables.data.examples import Data
from trainables.engine.loop import Row, Run, Setting

VERSION = 1
DIGEST_BYTES = 32


def pack(run: Run, extra: dict[str, Any] | None = None) -> bytes:
    """The run, and whatever plain data or tensors its owner adds, as bytes that begin with their own SHA-256."""
    content = {
        "version": VERSION,
        "epoch": run.epoch,
        "members": [[row.configuration, row.seed] for row in run.rows],
        "curves": run.curves,
        "seconds": run.seconds,
        "tensors": {path: leaf.cpu() for path, leaf in tree.leaves(run.group)},
        "extra": extra or {},
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    payload = buffer.getvalue()
    return hashlib.sha256(payload).digest() + payload


def unpack(content: bytes, setting: Setting, data: Data, rows: Sequence[Row]) -> tuple[Run, dict[str, Any]]:
    """The run that `pack` packed, on the setting's device, and what its owner had added.

    Args:
        content: What `pack` returned. No code in it is executed.
        setting, data: As the run had them.
        rows: All members that the group began with; the checkpoint says which are still in training.

    Raises:
        ValueError: If the bytes are torn, hold code, or are of another version or group.
    """
    digest, payload = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    if hashlib.sha256(payload).digest() != digest:
        raise ValueError(f"a checkpoint must match the digest it begins with; these {len(content)} bytes do not: torn or not a checkpoint")
    try:
        stored = torch.load(io.BytesIO(payload), weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError("a checkpoint must hold tensors and plain data, this one holds code; nothing of it was executed") from error
    if not isinstance(stored, dict) or stored.get("version") != VERSION:
        found = stored.get("version") if isinstance(stored, dict) else type(stored).__name__
        raise ValueError(f"a checkpoint must be of version {VERSION}, got {found}")
    by_key = {(row.configuration, row.seed): row for row in rows}
    keys = [(configuration, seed) for configuration, seed in stored["members"]]
    if not set(keys) <= set(by_key):
        raise ValueError(f"a checkpoint must hold members of its own group, got {sorted(set(keys) - set(by_key))[:3]} beside them")
    run = Run.begin(setting, data, [by_key[key] for key in keys])
    run.group = tree.fill(run.group, _matching(stored["tensors"], run))
    run.epoch, run.curves, run.seconds = stored["epoch"], stored["curves"], stored["seconds"]
    return run, stored["extra"]


def _matching(tensors: dict[str, torch.Tensor], run: Run) -> dict[str, torch.Tensor]:
    expected = dict(tree.leaves(run.group))
    if expected.keys() != tensors.keys():
        raise ValueError(f"a checkpoint must hold the tensors of its method and net; {sorted(expected.keys() ^ tensors.keys())[:3]} differ")
    for path, leaf in expected.items():
        if tensors[path].shape != leaf.shape or tensors[path].dtype != leaf.dtype:
            raise ValueError(f"{path} must be {tuple(leaf.shape)} {leaf.dtype}, got {tuple(tensors[path].shape)} {tensors[path].dtype}")
    return {path: tensor.to(run.setting.device) for path, tensor in tensors.items()}
