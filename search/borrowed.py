"""What a study takes from the user's own modules: where these lie, and what was in them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from search.study import Study
from trainables import plugin


def names(study: Study) -> list[str]:
    """Every `module:object` of a study, each once."""
    named = [plugin.spelled_out("data", study.data["name"]), plugin.spelled_out("net", study.net["name"])]
    named += [choice for space in study.spaces.values() for choice in space.axes]
    return list(dict.fromkeys(name for name in named if plugin.is_named(name)))


def modules(study: Study) -> list[str]:
    """Files and folders that these lie in, but for what is installed: what workers on other machines lack."""
    found = (plugin.source(name) for name in names(study))
    return list(dict.fromkeys(str(path) for path in found if path is not None))


def digests(study: Study) -> dict[str, str]:
    """A fingerprint of each of the user's own modules, by its name."""
    return {Path(place).stem: _digest(Path(place)) for place in modules(study)}


def changed(study: Study, before: dict[str, str]) -> Iterator[str]:
    """A line for each module that is no longer what it was."""
    for module, digest in digests(study).items():
        if before.get(module, digest) != digest:
            yield f"{module} has changed since the study was launched: configurations trained with both are compared as if it had not"


def _digest(place: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
        found.update(str(file.relative_to(place.parent)).encode())
        found.update(file.read_bytes())
    return found.hexdigest()
