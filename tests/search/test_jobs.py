"""A cluster's job server, played by a web server that answers as Ray's does."""

import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from search.errors import UserError
from search.jobs import ASKED, PLACE, STUDY, Jobs, tunnel
from tests.search.postgres import free_port

TOKEN = "a-token"  # noqa: S105 nobody's


class Server(ThreadingHTTPServer):
    """A job server that wants a token.

    Attributes:
        jobs: What it knows.
        submitted: What it was sent.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.jobs: list[dict[str, Any]] = []
        self.submitted: list[dict[str, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self):
        authorised = self.headers.get("authorization") == f"Bearer {TOKEN}"
        each = {f"/api/jobs/{one['submission_id']}": one for one in self.server.jobs}
        known = {"/api/version": VERSION, "/api/jobs/": self.server.jobs, **each}.get(self.path)
        self.answer(403 if not authorised else 200 if known is not None else 404, known)

    def do_POST(self):
        self.server.submitted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer(200, {"job_id": "j", "submission_id": "j"})

    def answer(self, code, content):
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, format, *arguments):  # noqa: A002 its name there
        """Print nothing."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    made = Server()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


VERSION = {"version": "4", "ray_version": "2.60.0", "ray_commit": "", "session_name": ""}


def job(name, status="RUNNING", start=1, **more):
    return {
        "type": "SUBMISSION",
        "submission_id": f"{name}-{start}",
        "entrypoint": "python",
        "status": status,
        "start_time": start,
        "runtime_env": {"working_dir": "gcs://code.zip"},
        "metadata": {STUDY: name, PLACE: '["--home", "$HOME/my studies"]', **more},
    }


def test_where_no_job_server_answers_one_line_says_how_to_reach_one():
    address = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(UserError, match=f"^{address}: no job server answers there; start one with `ray up`.*ssh -L 8265:127.0.0.1:8265"):
        Jobs(address)


def test_an_address_that_is_no_url_is_refused():
    with pytest.raises(UserError, match=r"^--address must be the job server's, like http://127\.0\.0\.1:8265, got 'head:8265'"):
        Jobs("head:8265")


def test_a_wrong_token_is_one_line_that_does_not_show_it(server, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another")
    with pytest.raises(UserError, match=r"the cluster must be shown its token; put the cluster's token into ~/\.ray/auth_token") as refused:
        Jobs(server.url)
    assert "another" not in str(refused.value)


def test_a_study_that_was_not_submitted_is_named_beside_the_nearest(server):
    with pytest.raises(UserError, match=r"spread: the cluster at .* knows no such study; no study has been submitted there"):
        Jobs(server.url).newest("spread")
    server.jobs = [job("digits")]
    with pytest.raises(UserError, match=r"digit: the cluster at .* knows no such study; did you mean digits\?"):
        Jobs(server.url).newest("digit")


def test_the_newest_search_is_found_and_not_a_question_about_it(server):
    server.jobs = [job("digits", "FAILED", 1), job("digits", "SUCCEEDED", 2), job("digits", "RUNNING", 3, **{ASKED: "status"})]
    jobs = Jobs(server.url)
    assert jobs.newest("digits").submission_id == "digits-2"
    assert jobs.newest("digits", working=True) is None
    server.jobs.append(job("digits", "PENDING", 4))
    assert jobs.newest("digits", working=True).submission_id == "digits-4"


def test_a_question_is_asked_where_the_study_is_kept_and_with_its_code(server):
    server.jobs = [job("digits")]
    jobs = Jobs(server.url)
    jobs.ask(jobs.newest("digits"), ["status", "digits"])
    (asked,) = server.submitted
    assert asked["entrypoint"] == """python -m altiplano status digits --home "$HOME"/'my studies'"""
    assert asked["runtime_env"]["working_dir"] == "gcs://code.zip"
    assert asked["metadata"] == {STUDY: "digits", ASKED: "status"}


def test_what_a_job_prints_is_passed_on_without_what_its_server_says_of_it(server, monkeypatch):
    async def tail(job):
        yield "2026-11-25 19:33:20,736\tINFO job_manager.py:581 -- Runtime env is setting up.\n"
        yield 'Running entrypoint for job j: python -m altiplano status digits\n{"name": "digits"}\n'
        yield "done\n"

    jobs, said = Jobs(server.url), []
    monkeypatch.setattr(jobs.client, "tail_job_logs", tail)
    jobs.follow("j", said.append)
    assert "".join(said) == '{"name": "digits"}\ndone\n'


def test_the_end_of_a_job_is_told_without_its_log_once_more(server):
    server.jobs = [
        {**job("digits", "FAILED"), "driver_exit_code": 2, "message": "failed with exit code 2, last available logs (all):\nmore"}
    ]
    assert Jobs(server.url).code("digits-1") == (2, "failed: failed with exit code 2")
    server.jobs = [{**job("digits", "STOPPED"), "message": "Job was intentionally stopped."}]
    assert Jobs(server.url).code("digits-1") == (3, "stopped: Job was intentionally stopped.")


def test_a_tunnel_does_not_outlive_the_terminal(tmp_path, monkeypatch):
    def begun(command, **options):
        made.append(started([sys.executable, "-c", "import time; time.sleep(60)"], **options))
        return made[0]

    made, started, before = [], subprocess.Popen, signal.getsignal(signal.SIGHUP)
    (tmp_path / "cluster.yaml").write_text("")
    monkeypatch.setattr("search.jobs.subprocess.Popen", begun)
    monkeypatch.setattr("search.jobs.listens", lambda host, port: True)
    with pytest.raises(SystemExit) as left, tunnel(tmp_path / "cluster.yaml"):
        os.kill(os.getpid(), signal.SIGHUP)
    assert left.value.code == 128 + signal.SIGHUP
    assert made[0].returncode == -signal.SIGTERM
    assert signal.getsignal(signal.SIGHUP) == before


def test_a_cluster_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no-such\.yaml: there is no such file"), tunnel(tmp_path / "no-such.yaml"):
        pass
