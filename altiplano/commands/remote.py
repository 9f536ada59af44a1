"""The commands that reach a cluster from outside: submit a study, follow what it prints, stop it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from altiplano.options import STOPPED, Name, SetOption, StudyFile, pairs

if TYPE_CHECKING:
    from search.jobs import Jobs

HOME = "~/studies-home"

ClusterOption = Annotated[
    Path | None, typer.Option("--cluster", metavar="CLUSTER.yaml", help="The cluster's file, as `ray up` takes it; reached through SSH.")
]
SERVER = "Its job server, http://127.0.0.1:8265 through a tunnel."
ServerOption = Annotated[str | None, typer.Option("--address", metavar="URL", help=SERVER, envvar="RAY_API_SERVER_ADDRESS")]
AskedServerOption = Annotated[str | None, typer.Option("--address", metavar="URL", help=SERVER)]
"""Where a command is of a cluster only if it is said so: Ray's own variable does not decide it."""
RemoteHomeOption = Annotated[
    str, typer.Option("--home", help="Folder or URL that holds the studies, as the cluster sees it.", envvar="ALTIPLANO_HOME")
]


def submit(
    study: StudyFile,
    cluster: ClusterOption = None,
    address: ServerOption = None,
    home: RemoteHomeOption = HOME,
    ledger: Annotated[str | None, typer.Option("--ledger", help="URL of a database for the ledger, without a password.")] = None,
    changes: SetOption = None,
    others: Annotated[list[Path] | None, typer.Option("--with", help="A file or folder to ship, too; may be repeated.")] = None,
    again: Annotated[bool, typer.Option("--resume", help="Go on with the study, which is there already.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Do not follow what it prints.")] = False,
) -> None:
    """Run a study on a cluster, from any machine, and follow what it prints.

    Study and code are shipped. Ctrl-C leaves the study running; `altiplano logs` finds it again.
    """
    from search import Study
    from search.errors import UserError
    from search.parcel import FILE, parcel, remote_home
    from search.storage import without_password

    found = Study.read(study, pairs(changes))
    if ledger and without_password(ledger) != ledger:
        raise UserError("--ledger: a password is not shipped; keep it in PGPASSWORD or ~/.pgpass of the cluster's head")
    place = ["--home", remote_home(home), *(["--ledger", ledger] if ledger else [])]
    words = ["resume", found.name, *(word for change in changes or [] for word in ("--set", change))] if again else ["launch", FILE]
    with _server(cluster, address) as jobs, parcel(found, others or []) as folder:
        running = jobs.newest(found.name, working=True)
        if running:
            raise UserError(f"{found.name}: the cluster runs it already; `altiplano logs {found.name}` follows it")
        job = jobs.submit(found.name, words, place, folder)
        where = f"--cluster {cluster}" if cluster else f"--address {jobs.address}"
        _say(f"{found.name} is submitted as {job}; find it again: altiplano logs {found.name} {where}")
        if not detach:
            _followed(jobs, found.name, job, where)


def logs(
    name: Name,
    cluster: ClusterOption = None,
    address: ServerOption = None,
    stop: Annotated[bool, typer.Option("--stop", help="Ask it to save and leave, then follow it to its end.")] = False,
) -> None:
    """Follow what a submitted study prints, from its beginning; exit with its exit code. Ctrl-C leaves it running."""
    with _server(cluster, address) as jobs:
        job = jobs.newest(name).submission_id
        if stop:
            jobs.stop(job)
        _followed(jobs, name, job, f"--cluster {cluster}" if cluster else f"--address {jobs.address}")


def remote_status(name: str, cluster: Path | None, address: str | None, *, as_json: bool) -> None:
    """Say how far a submitted study is, asked on the cluster itself, where its home is.

    Raises:
        typer.Exit: Always.
    """
    with _server(cluster, address) as jobs:
        job = jobs.ask(jobs.newest(name), ["status", name, *(["--json"] if as_json else [])])
        _follow(jobs, job)
        code, said = jobs.code(job)
    if code:
        Console(stderr=True).print(Text(said), soft_wrap=True)
    raise typer.Exit(code)


def _followed(jobs: "Jobs", name: str, job: str, where: str) -> None:
    """Say what a job prints until it ends, and leave with its exit code.

    Raises:
        typer.Exit: Always.
    """
    try:
        _follow(jobs, job)
    except KeyboardInterrupt:
        _say(f"{name} goes on on the cluster; again: altiplano logs {name} {where}; stop it: altiplano logs {name} --stop {where}")
        raise typer.Exit(STOPPED) from None
    code, said = jobs.code(job)
    if code:
        Console(stderr=True).print(Text(f"{name} {said}"), soft_wrap=True)
    raise typer.Exit(code)


def _follow(jobs: "Jobs", job: str) -> None:
    def say(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    jobs.follow(job, say)


@contextmanager
def _server(cluster: Path | None, address: str | None) -> Iterator["Jobs"]:
    from search.errors import UserError
    from search.jobs import Jobs, tunnel

    if cluster is not None:
        with tunnel(cluster) as url:
            yield Jobs(url)
    elif address:
        yield Jobs(address)
    else:
        raise UserError("which cluster? give its file, --cluster cluster.yaml, or its job server, --address http://127.0.0.1:8265")


def _say(line: str) -> None:
    Console().print(Text(line), soft_wrap=True)
