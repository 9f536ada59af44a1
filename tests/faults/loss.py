"""How much work a kill costs: what a group's driver had been told of it, beside what its last checkpoint holds."""

import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import torch

DIGEST_BYTES = 32


class Loss(NamedTuple):
    """What one group would lose, were its process killed now.

    Attributes:
        epochs: Epochs that its driver knew of and no checkpoint holds.
        seconds: Time since the report of the last epoch that a checkpoint holds; None where that was before this driver.
    """

    epochs: int
    seconds: float | None


def losses(log: str, home: Path, now: float) -> list[Loss]:
    """The loss of every group that a driver's log says is in flight."""
    found = []
    for group, reports in reported(log).items():
        saved = max(epoch_of(home / f"checkpoints/{group}{end}.pt") for end in ("", ".previous"))
        if (home / f"evidence/{group}.parquet").exists():
            continue  # it had finished, and nobody had heard of it
        since = [at for epoch, at in reports if epoch <= saved]
        found.append(Loss(max(epoch for epoch, _ in reports) - saved, now - max(since) if since else None))
    return found


def reported(log: str) -> dict[str, list[tuple[int, float]]]:
    """(epoch, time) of each report of each group that has neither ended nor been split."""
    found: dict[str, list[tuple[int, float]]] = {}
    for line in log.splitlines():
        event = _event(line)
        group = event.get("text", "").partition(":")[0]
        if event.get("kind") == "epoch":
            found.setdefault(group, []).append((int(event["text"].rpartition(" ")[2]), event["at"]))
        if event.get("kind") in {"settled", "failed"}:
            found.pop(group, None)
    return found


def epoch_of(checkpoint: Path) -> int:
    """The epoch after which a checkpoint was taken; 0 where there is none."""
    try:
        return int(torch.load(io.BytesIO(checkpoint.read_bytes()[DIGEST_BYTES:]), weights_only=True)["epoch"])
    except FileNotFoundError:
        return 0


def _event(line: str) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except ValueError:
        return {}
