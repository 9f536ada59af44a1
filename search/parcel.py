"""What is shipped with a study that is submitted to a cluster: its file, this program's code, the user's own modules and other files."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from search import borrowed
from search.errors import UserError
from search.study import Study

PACKAGES = ("altiplano", "analysis", "search", "trainables")
FILE = "study.yaml"


@contextmanager
def parcel(study: Study, others: Sequence[Path] = ()) -> Iterator[Path]:
    """A folder with everything that is shipped, for as long as it is needed; no password is ever among it.

    Args:
        study: The study; its file is called `study.yaml` there.
        others: Files and folders to ship beside it, and beside the modules that the study names.

    Raises:
        UserError: If one of them is not there, or has a name that is taken.
    """
    shipped = {one.resolve(): one for one in (*others, *map(Path, borrowed.modules(study)))}
    taken = {*PACKAGES, FILE}
    for one in shipped.values():
        if not one.exists():
            raise UserError(f"--with {one}: there is no such file or folder")
        if one.name in taken:
            raise UserError(f"--with {one}: the name {one.name} is taken; give it another")
        taken.add(one.name)
    if study.ledger_url != study.ledger:
        words = "keep it on the cluster, in PGPASSWORD or ~/.pgpass of the head, and leave it out of the study file"
        raise UserError(f"{study.name}: a ledger's password is not shipped; {words}")
    root = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory(prefix="altiplano-parcel-") as place:
        folder = Path(place)
        (folder / FILE).write_text(study.dump())
        for name in PACKAGES:
            shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        for one in shipped.values():
            if one.is_dir():
                shutil.copytree(one, folder / one.name, ignore=shutil.ignore_patterns("__pycache__", ".git"))
            else:
                shutil.copy2(one, folder / one.name)
        yield folder


def remote_home(home: str) -> str:
    """A home as the cluster is told it.

    Raises:
        UserError: If it depends on the folder that a command is run in.
    """
    if "://" in home or home.startswith("/"):
        return home
    if home.startswith("~/"):
        return f"$HOME/{home[2:]}"
    raise UserError(
        f"--home must be the cluster's: a full path that all its machines share, ~/... of the head, or a URL like s3://bucket, got {home!r}"
    )
