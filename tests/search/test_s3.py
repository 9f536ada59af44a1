"""Studies on S3, against a real HTTP server that checks signatures."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from fsspec.registry import _registry

from altiplano.main import run
from search import Study, launch, resume, status
from search.cluster import PREFIX
from search.storage import without_password
from tests.cluster.nodes import Command
from tests.faults import processes
from tests.search.buckets import Gate
from trainables import remote
from trainables.home import Home
from trainables.remote import Unreachable

pytestmark = pytest.mark.xdist_group("ray")

TEXT = """
name: tiny
data: {name: digits, fraction: 0.2}
net: {name: mlp, width: 8}
training: {epochs: 6, batch: 32}
methods: {softad: {}}
seeds: 2
budget: {configurations: 2}
group: 2
storage: {checkpoint_seconds: 0}
"""


@pytest.mark.slow
def test_a_study_on_s3_is_stopped_resumed_and_judged_there(s3, postgres, tmp_path, monkeypatch, capsys):
    home, events = "s3://bucket/studies/", []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PGPASSWORD", "pg-password")

    def stopping(event):
        events.append(event.kind)
        if event.kind == "epoch" and "stopping" not in events:
            os.kill(os.getpid(), signal.SIGINT)

    outcome = launch(Study.parse(TEXT), home, ledger=without_password(postgres.url), watcher=stopping, measured=False)
    assert outcome.stopped
    assert any(key.startswith("studies/tiny/checkpoints/") for key in s3.everything())
    assert resume("tiny", home).status.complete
    there = s3.everything()
    assert {key.split("/")[2] for key in there} == {"environment.json", "evidence", "splits", "study.yaml"}, "and nothing of Tune's"

    capsys.readouterr()
    for words in (["status"], ["report", "tiny"]):
        assert run([*words, "--home", home]) == 0
    said = capsys.readouterr()
    assert "tiny: 3 of 3 configurations" in said.out
    assert (tmp_path / "tiny-report/index.html").read_bytes() == s3.everything()["studies/tiny/report/index.html"]
    written = {**s3.everything(), **{str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}}
    for secret in (s3.secret, "pg-password"):
        assert secret not in said.out + said.err
        assert [name for name, content in written.items() if secret.encode() in content] == []


NOBODY = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_CONFIG_FILE": "/nowhere"}


@pytest.mark.parametrize(
    ("home", "changes", "words"),
    [
        (
            "s3://bucket/x",
            {"AWS_SECRET_ACCESS_KEY": "wrong-secret"},
            "the store refuses (The request signature we calculated",
        ),
        ("s3://bucket/x", {"AWS_ACCESS_KEY_ID": "AKIAWRONG"}, "the store refuses (The AWS Access Key Id you provided does not exist"),
        ("s3://bucket/x", NOBODY, "the store cannot be used (Unable to locate credentials)"),
        ("s3://no-such-bucket/x", {}, "there is no bucket no-such-bucket, or these credentials may not see it"),
        ("s3://bucket/x", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "the store cannot be used (Could not connect to the endpoint URL"),
        ("s3://me:wrong-secret@bucket/x", {}, "--home must hold no password"),
        ("sftp://host/x", {}, "a home must be a folder or a URL of an object store (abfs, "),
    ],
)
@pytest.mark.parametrize("command", ["launch", "resume"])
def test_a_store_that_cannot_be_used_is_said_in_a_line_and_nothing_is_started(
    command, home, changes, words, s3, tmp_path, monkeypatch, capsys
):
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "tiny.yaml"
    file.write_text(TEXT)
    before = s3.everything()
    given = [str(file)] if command == "launch" else ["tiny"]
    assert run([command, *given, "--home", home, "--ledger", f"sqlite:///{tmp_path}/ledger.db"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert len(said.splitlines()) == 1
    assert s3.secret not in said
    assert "wrong-secret" not in said
    assert s3.everything() == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


def test_without_s3fs_its_extra_is_named(monkeypatch, capsys):
    monkeypatch.delitem(_registry, "s3", raising=False)  # what it has imported before
    monkeypatch.setitem(sys.modules, "s3fs", None)
    assert run(["status", "tiny", "--home", "s3://bucket/x"]) == 2
    assert "s3:// needs a package that is not installed; pip install 'altiplano[s3]'" in capsys.readouterr().err


def test_a_home_on_s3_without_a_database_says_so_before_it_looks_at_the_store(tmp_path, capsys):
    (tmp_path / "tiny.yaml").write_text(TEXT)
    assert run(["launch", str(tmp_path / "tiny.yaml"), "--home", "s3://bucket/x"]) == 2
    assert "needs a database for the ledger; give one with --ledger postgresql://" in capsys.readouterr().err


WRITE = """
import sys
from trainables.home import Home
Home("s3://bucket/torn").write("checkpoints/a", b"new" * (int(sys.argv[1]) // 3))
print("written", flush=True)
"""


@pytest.mark.parametrize("size", [12_000_000, 120_000_000], ids=["one request", "several parts"])
def test_a_writer_that_is_killed_in_the_middle_leaves_what_was_there(size, s3):
    home = Home("s3://bucket/torn")
    home.write("checkpoints/a", b"old")
    gate = Gate(s3.port, most=size // 2)
    environment = {**os.environ, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{gate.port}"}
    writer = subprocess.Popen([sys.executable, "-c", WRITE, str(size)], env=environment, stdout=subprocess.PIPE)
    assert gate.full.wait(60)
    writer.kill()
    assert writer.communicate()[0] == b"", "it had not finished"
    gate.close()
    assert home.read("checkpoints/a") == b"old"
    assert home.names("checkpoints") == ["a"]


def test_a_store_that_has_answered_is_waited_for(s3, monkeypatch):
    gate = Gate(s3.port, most=1 << 20)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{gate.port}")
    home = Home("s3://bucket/waited")
    home.write("a", b"1")
    gate.full.set()
    gate.close()
    moments = iter([0.0, 1.0, 2 * remote.SECONDS])
    monkeypatch.setattr(remote, "time", SimpleNamespace(monotonic=lambda: next(moments), sleep=lambda seconds: None))
    with pytest.raises(Unreachable, match=r"^s3://bucket/waited: the store cannot be used"):
        home.read("a")
    assert next(moments, None) is None, "it was asked twice"


def test_a_password_on_the_command_line_is_refused_and_one_in_the_environment_is_not(tmp_path, monkeypatch, capsys):
    url = "postgresql://me:pg-password@127.0.0.1:1/x"
    words = ["status", "tiny", "--home", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["altiplano", *words, "--ledger", url])
    assert run([*words, "--ledger", url]) == 2
    said = capsys.readouterr().err
    assert "can be read by everybody on this machine" in said
    monkeypatch.setattr(sys, "argv", ["altiplano", *words])
    monkeypatch.setenv("ALTIPLANO_LEDGER", url)
    assert run(words) == 2
    said += capsys.readouterr().err
    assert "there is no such study" in said
    assert "pg-password" not in said


@pytest.mark.slow
def test_a_driver_that_is_killed_is_succeeded_by_one_elsewhere_and_no_secret_is_written_anywhere(s3, postgres, tmp_path, monkeypatch):
    """The home is on S3 and the ledger in PostgreSQL, so that a new head has all it needs from the two."""
    file, first, second = tmp_path / "study.yaml", tmp_path / "first", tmp_path / "second"
    file.write_text(TEXT.replace("tiny", "moved").replace("epochs: 6", "epochs: 60"))
    monkeypatch.setenv("ALTIPLANO_LEDGER", postgres.url)  # its password is "secret"
    secrets = (s3.secret.encode(), b":secret@")

    def seen(pid):
        """Command lines of a driver and of all that it has started."""
        lines = [*processes.descendants(pid).values(), Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()]
        assert not [line for line in lines if any(secret.decode() in line for secret in secrets)]
        return lines

    for folder in (first, second):
        folder.mkdir()
    driver = Command(tmp_path, "launch", str(file), "--home", "s3://bucket/studies", "--json", cwd=first)
    driver.wait_for(lambda: any("epoch" in event["text"] for event in driver.events("epoch")), 200, "a group in training")
    assert len(seen(driver.process.pid)) > 5
    family = [*processes.workers(driver.process.pid), *processes.raylets(driver.process.pid)]
    driver.process.kill()
    driver.process.wait(30)
    logs = sorted(Path("/tmp").glob(f"{PREFIX}{driver.process.pid}-*"))  # noqa: S108 where Ray writes
    assert processes.wait_gone(family) == []
    assert logs, "what Ray wrote is still there"
    written = {path: path.read_bytes() for place in (*logs, tmp_path) for path in place.rglob("*") if path.is_file()}
    successor = Command(tmp_path, "resume", "moved", "--home", "s3://bucket/studies", "--json", cwd=second)
    assert successor.ended(200) == 0, successor.output[-3000:]
    assert status("moved", "s3://bucket/studies").complete
    written |= {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} | s3.everything()
    assert [str(name) for name, content in written.items() if any(secret in content for secret in secrets)] == []
