"""What a study ran on and with, for who wants to repeat it: environment.json."""

import hashlib
import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from trainables.data.examples import Data

PACKAGES = ("altiplano", "torch", "ray", "optuna", "numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "pydantic", "sqlalchemy")


def environment(data: Data, own: dict[str, str] | None = None) -> dict[str, Any]:
    """Versions, revision of the code, hardware, a digest of the data, and digests of the user's own modules."""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "revision": revision(),
        "processors": os.cpu_count(),
        "devices": [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())],
        "data": digest(data),
        "own": own or {},
    }


def as_json(content: dict[str, Any]) -> bytes:
    """Content as a JSON file."""
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


def digest(data: Data) -> str:
    """A fingerprint of every split: inputs, labels and groups."""
    found = hashlib.sha256()
    for split in (data.train, data.probe, data.selection, data.test):
        found.update(str(((len(split), *split.shape), split.store.dtype)).encode())
        for block in split.blocks():
            found.update(block.contiguous().numpy().tobytes())
        for part in (split.y, split.group):
            found.update(str((tuple(part.shape), part.dtype)).encode())
            found.update(part.contiguous().numpy().tobytes())
    return found.hexdigest()


def revision() -> str | None:
    """The git revision of this code with `+` where it was changed since, or None where it runs from no repository."""
    here = Path(__file__).parents[1]
    if not (here / ".git").exists():
        return None
    try:
        commit = _git(here, "rev-parse", "HEAD")
        return commit + ("+" if _git(here, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(here: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(here), *arguments], capture_output=True, text=True, check=True, timeout=10).stdout.strip()  # noqa: S603, S607


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
