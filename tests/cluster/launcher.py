"""From `ray up` to a report as a user does it, with the project's own cluster.yaml, over SSH, on machines made of namespaces.

    python -m tests.cluster.launcher              each machine begins with a copy of this virtual environment
    python -m tests.cluster.launcher --install    each installs everything by cluster.yaml's commands, from packages downloaded before

A laptop, a head and a worker. `ray up`; `submit`, and the laptop is closed; the worker loses its power; the study is stopped, the cluster
taken down and brought up again; `submit --resume`; report. Ends with 0, or with 77 where it cannot run here, and says why.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.cluster.laptop import wheels
from tests.cluster.machines import VENV, LackingError, demand
from tests.cluster.site import Site
from tests.cluster.story import Story

SKIPPED = 77
"""Exit code where it cannot run, as automake has it."""


def tell(folder: Path, *, install: bool = False) -> None:
    """All of it, with machines of its own, which are gone afterwards whatever happens.

    Raises:
        LackingError: Where it cannot be done; nothing has been begun then.
    """
    demand()
    sys.path.append(str(folder / "laptop/home/altiplano"))  # where the study's own module lies
    try:
        with Site(folder, None if install else VENV, wheels(folder, everything=install)) as site:
            Story(site).tell()
    finally:
        sys.path.pop()


def main() -> int:
    """The script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true", help="install everything on every machine")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="site-") as folder:
        try:
            tell(Path(folder), install=asked.install)
        except LackingError as error:
            sys.stderr.write(f"skipped: {error}\n")
            return SKIPPED
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
