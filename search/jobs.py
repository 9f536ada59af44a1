"""A cluster's job server: searches that go on when whoever submitted them has closed the lid, and are found again by their study's name."""

import asyncio
import json
import logging
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from search.errors import UserError, nearest
from search.pulse import listens

STUDY, PLACE, ASKED = "altiplano-study", "altiplano-place", "altiplano-asked"
"""Keys of a job's metadata: its study's name, the options that say where the study is kept, and whether it only asks about it."""

ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})
TUNNEL_SECONDS = 60.0
ENDING_SECONDS = 10.0
"""How long the server may take to write a job's end down when its log has ended."""

TALKATIVE = ("ray", "ray.dashboard.modules.dashboard_sdk", "ray.dashboard.modules.job.sdk")
"""Loggers of Ray's client that tell of every upload and of the end of every log, each with a level of its own."""

PREAMBLE = re.compile(r"\S+ \S+\s+INFO job_manager\.py:\d+ -- |Running entrypoint for job ")
"""How lines begin that the job server writes before what the job prints."""

PORT = 8265
"""Where a head's dashboard and job server listen."""


class Jobs:
    """The job server at an address.

    Raises:
        UserError: If nobody answers there, or the token is missing or wrong.
    """

    def __init__(self, address: str) -> None:
        if not address.startswith(("http://", "https://")):
            raise UserError(f"--address must be the job server's, like http://127.0.0.1:{PORT}, got {address!r}")
        try:
            from ray.job_submission import JobSubmissionClient
        except ImportError as error:
            raise UserError(f"Ray's job client is not installed ({error}); pip install 'altiplano[cluster]'") from error
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        with _said(address):
            self.client = JobSubmissionClient(address, headers=_token())
        self.address = address

    def submit(self, study: str, words: Sequence[str], place: Sequence[str], folder: Path) -> str:
        """Search on the cluster.

        Args:
            study: The study's name, by which it is found again.
            words: The `altiplano` command.
            place: Its options that say where the study is kept; a word that begins with `$HOME/` is of the head's home folder.
            folder: What is shipped and is the command's folder.

        Returns:
            The job's id.
        """
        entry = _entry([*words, *place, "--address", "$RAY_ADDRESS"])
        marks = {STUDY: study, PLACE: json.dumps(list(place))}
        with _said(self.address):
            return self.client.submit_job(entrypoint=entry, runtime_env={"working_dir": str(folder)}, metadata=marks)

    def ask(self, before: Any, words: Sequence[str]) -> str:
        """Run an `altiplano` command about the study of an earlier job, where that one ran and with its code.

        Returns:
            The job's id.
        """
        entry = _entry([*words, *json.loads(before.metadata[PLACE])])
        marks = {STUDY: before.metadata[STUDY], ASKED: words[0]}
        with _said(self.address):
            return self.client.submit_job(entrypoint=entry, runtime_env=before.runtime_env, metadata=marks)

    def newest(self, study: str, *, working: bool = False) -> Any:
        """The last job that ran a study; with `working` the one that runs it now, or None.

        Raises:
            UserError: If there is none.
        """
        with _said(self.address):
            known = [(job.metadata or {}, job) for job in self.client.list_jobs() if job.submission_id]
        searches = [(marks[STUDY], job) for marks, job in known if STUDY in marks and marks.get(ASKED) is None]
        found = [job for name, job in searches if name == study]
        if working:
            return next((job for job in found if job.status.value not in ENDED), None)
        if not found:
            there = sorted({name for name, _ in searches})
            words = nearest(study, there) if there else "no study has been submitted there"
            raise UserError(f"{study}: the cluster at {self.address} knows no such study; {words}")
        return max(found, key=lambda job: job.start_time or 0)

    def follow(self, job: str, say: Callable[[str], None]) -> None:
        """Say what a job prints, from its beginning until its end."""

        async def copy() -> None:
            async for text in self.client.tail_job_logs(job):
                own = "".join(line for line in text.splitlines(keepends=True) if not PREAMBLE.match(line))
                if own:
                    say(own)

        with _said(self.address):
            asyncio.run(copy())

    def code(self, job: str) -> tuple[int, str]:
        """A job's exit code and what its server says of its end, waited for a little."""
        info = self._info(job)
        end = time.monotonic() + ENDING_SECONDS
        while info.status.value not in ENDED and time.monotonic() < end:
            time.sleep(0.1)
            info = self._info(job)
        status = info.status.value
        code = {"SUCCEEDED": 0, "STOPPED": 3}.get(status, info.driver_exit_code or 1)
        words = (info.message or "").partition(", last available logs")[0]  # which have been followed
        return int(code), f"{status.lower()}: {words}" if words else status.lower()

    def _info(self, job: str) -> Any:
        with _said(self.address):
            return self.client.get_job_info(job)

    def stop(self, job: str) -> None:
        """Ask a job to save and leave; the head's RAY_JOB_STOP_WAIT_TIME_S says how long it may take."""
        with _said(self.address):
            self.client.stop_job(job)


@contextmanager
def tunnel(cluster: Path) -> Iterator[str]:
    """The address of the job server of a cluster that Ray's launcher started, through SSH for as long as it is needed.

    Raises:
        UserError: If there is no such file, or its head cannot be reached.
        SystemExit: If the terminal is closed meanwhile or the process is asked to end, so that no tunnel stays behind.
    """
    if not cluster.is_file():
        raise UserError(f"--cluster {cluster}: there is no such file; give the cluster's, as `ray up` takes it")
    port = _free_port()
    ray = Path(sys.executable).with_name("ray")
    command = [str(ray), "dashboard", str(cluster), "--port", str(port)]
    process = subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, _leave) for number in (signal.SIGHUP, signal.SIGTERM) if main}
    try:
        end = time.monotonic() + TUNNEL_SECONDS
        while not listens("127.0.0.1", port):
            if process.poll() is not None or time.monotonic() > end:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # its ssh holds the other end of the pipe, too
                said = (process.communicate()[0] or b"").decode(errors="replace").strip().splitlines()
                raise UserError(
                    f"--cluster {cluster}: its head cannot be reached ({said[-1] if said else 'no answer'}); is it up? `ray up`"
                )
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        _end(process)
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(signum: int, frame: Any) -> None:
    raise SystemExit(128 + signum)


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
    if process.stdout:
        process.stdout.close()


@contextmanager
def _said(address: str) -> Iterator[None]:
    """Turn what a job server may answer into one line."""
    from ray.exceptions import AuthenticationError

    try:
        yield
    except AuthenticationError as error:
        words = "put the cluster's token into ~/.ray/auth_token, as its head has it (`ray get-auth-token` there prints it)"
        raise UserError(f"{address}: the cluster must be shown its token; {words}") from error
    except OSError as error:
        words = f"start one with `ray up` or `ray start --head`, or tunnel to it: ssh -L {PORT}:127.0.0.1:{PORT} HEAD"
        raise UserError(f"{address}: no job server answers there; {words}") from error
    except RuntimeError as error:
        raise UserError(f"{address}: the job server says: {str(error).strip().splitlines()[-1]}") from error


def _token() -> dict[str, str]:
    """The header that shows the user's token, where there is one."""
    given = os.environ.get("RAY_AUTH_TOKEN")
    file = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray/auth_token")
    if not given and file.is_file() and os.environ.get("RAY_AUTH_MODE", "token") == "token":
        given = file.read_text().strip()
    return {"authorization": f"Bearer {given}"} if given else {}


def _entry(words: Sequence[str]) -> str:
    return f"python -m altiplano {' '.join(map(_quoted, words))}"


def _quoted(word: str) -> str:
    """A word for the cluster's shell; what is the cluster's own to know stays for it to fill in."""
    if word == "$RAY_ADDRESS":
        return f'"{word}"'
    return f'"$HOME"/{shlex.quote(word.removeprefix("$HOME/"))}' if word.startswith("$HOME/") else shlex.quote(word)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
