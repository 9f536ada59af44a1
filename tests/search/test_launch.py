"""Real runs: Ray Tune, two workers, digits."""

import os
import signal
import sys

import numpy as np
import optuna
import pytest
import yaml
from optuna.trial import TrialState

from search import Study, UserError, launch, names, resume, status
from search.attendant import reason_of
from search.storage import opened
from trainables import evidence
from trainables.draws import stream

TEXT = """
name: tiny
data: {name: digits, fraction: 0.2}
net: {name: mlp, width: 16}
training: {epochs: 30, batch: 32}
methods: {g-mix: {}, softad: {sigma: 1}}
seeds: 2
budget: {configurations: 3}
group: 4
storage: {checkpoint_seconds: 0}
"""


def ended(folder):
    """State of every trial of every Optuna study of a ledger; closed again, since Optuna leaves what it opens to the garbage collector."""
    with opened(f"sqlite:///{folder}/tiny/ledger.db") as storage:
        return {
            one.study_name: [trial.state for trial in optuna.load_study(study_name=one.study_name, storage=storage).trials]
            for one in optuna.get_all_study_summaries(storage)
        }


def members(folder):
    """Every member's (method, configuration, seed) that left evidence."""
    found = [member for file in sorted((folder / "tiny/evidence").iterdir()) for member in evidence.read(str(file))]
    return sorted((member.method, member.configuration, member.seed) for member in found)


ALL = sorted(
    [("erm", 0, seed) for seed in (0, 1)]
    + [(method, number, seed) for method in ("g-mix", "softad") for number in range(3) for seed in (0, 1)]
)
DONE = {"tiny/erm": [TrialState.COMPLETE], "tiny/g-mix": [TrialState.COMPLETE] * 3, "tiny/softad": [TrialState.COMPLETE] * 3}


def test_a_launch_whose_ledger_does_not_answer_tries_nothing_and_leaves_nothing_behind(tmp_path):
    told = []
    study = Study.parse(TEXT.replace("storage: {", "storage: {patience: 0, "))
    with pytest.raises(UserError, match="the ledger cannot be opened"):
        launch(study, tmp_path / "home", ledger="postgresql://me@127.0.0.1:1/db", watcher=told.append)
    assert told == []
    assert list(tmp_path.iterdir()) == []


def test_a_launch_that_the_cluster_refuses_leaves_nothing_behind(tmp_path, monkeypatch):
    def refusing(home, url, address, modules):
        assert (url, address, modules) == (str(tmp_path / "tiny"), "head:6379", [])
        raise UserError("worker: it does not see the home")

    monkeypatch.setattr(sys.modules["search.launch"], "everywhere", refusing)
    with pytest.raises(UserError, match="does not see the home"):
        launch(Study.parse(TEXT), tmp_path, address="head:6379")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_study_that_is_stopped_is_taken_up_where_it_was_and_ends_with_its_budget(tmp_path):
    events = []

    def stopping(event):
        events.append(event.kind)
        if event.kind == "epoch" and "stopping" not in events:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    outcome = launch(Study.parse(TEXT), tmp_path, watcher=stopping, measured=False)
    assert outcome.stopped
    assert not outcome.status.complete
    assert signal.getsignal(signal.SIGINT) is before
    assert list((tmp_path / "tiny/checkpoints").iterdir())
    assert TrialState.RUNNING in {state for states in ended(tmp_path).values() for state in states}
    assert status("tiny", tmp_path).budget == 7

    epochs = []
    outcome = resume("tiny", tmp_path, watcher=lambda event: epochs.append(event.text) if event.kind == "epoch" else None)
    assert not outcome.stopped
    assert ended(tmp_path) == DONE
    assert members(tmp_path) == ALL
    assert outcome.status.complete
    assert status("tiny", tmp_path).done == 7
    assert list((tmp_path / "tiny/checkpoints").iterdir()) == []
    assert sorted(path.name for path in (tmp_path / "tiny").iterdir() if path.is_file()) == [
        ".driver.lock",
        "environment.json",
        "ledger.db",
        "study.yaml",
    ]

    again = resume("tiny", tmp_path)
    assert (again.status.settled, again.stopped) == (0, False)
    assert members(tmp_path) == ALL
    assert names(tmp_path) == ["tiny"]
    assert yaml.safe_load((tmp_path / "tiny/study.yaml").read_text())["training"]["momentum"] == 0.9


def test_a_name_that_exists_is_refused_with_the_words_for_resume(tmp_path):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny/study.yaml").write_text(TEXT)
    with pytest.raises(UserError, match=r"tiny: there is a study of this name .* `altiplano resume tiny`"):
        launch(Study.parse(TEXT), tmp_path)
    assert [path.name for path in (tmp_path / "tiny").iterdir()] == ["study.yaml"]


def test_a_home_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "home").write_text("")
    with pytest.raises(UserError, match="the home must be a folder that can be written"):
        launch(Study.parse(TEXT), tmp_path / "home")


def test_a_study_that_is_not_there_is_named_with_those_that_are(tmp_path):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny/study.yaml").write_text(TEXT)
    for call in (resume, status):
        with pytest.raises(UserError, match=r"tyni: there is no such study in .* \(there: tiny\)"):
            call("tyni", tmp_path)


def test_a_damaged_ledger_is_named_and_nothing_is_lost(tmp_path):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny/study.yaml").write_text(Study.parse(TEXT).dump())
    (tmp_path / "tiny/ledger.db").write_bytes(b"\0" * 9999)
    for call in (resume, status):
        with pytest.raises(UserError, match=r"ledger\.db: the ledger"):
            call("tiny", tmp_path)
    assert (tmp_path / "tiny/ledger.db").read_bytes() == b"\0" * 9999


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("first line\n  second line\n"), "ValueError: second line"),
        (OSError(), "OSError: no message"),
        (None, "it ended without a reason"),
    ],
)
def test_the_reason_of_a_failure_is_its_last_line(error, words):
    assert reason_of(error) == words


@pytest.fixture
def begun(monkeypatch):
    """Studies that are launched or resumed are written down, and nothing is trained: which study each run was given."""
    studies = []
    monkeypatch.setattr(sys.modules["search.launch"], "run", lambda study, *arguments: studies.append(study))
    return studies


def test_data_at_a_relative_path_are_found_again_from_another_folder(tmp_path, monkeypatch, begun):
    monkeypatch.chdir(tmp_path)
    draws = stream(0, "test")
    np.savez("mine.npz", x=draws.normal(size=(60, 5)).astype(np.float32), y=np.arange(60) % 3)
    study = Study.parse(TEXT.replace("{name: digits, fraction: 0.2}", "{name: npz, path: mine.npz}"))
    launch(study, tmp_path / "home", measured=False)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    resume("tiny", tmp_path / "home")
    assert [one.data["path"] for one in begun] == [str(tmp_path / "mine.npz")] * 2
    assert Study.read(tmp_path / "home/tiny/study.yaml").data["path"] == str(tmp_path / "mine.npz")


def test_a_submitted_study_keeps_its_path_relative_to_what_was_shipped(tmp_path, monkeypatch, begun):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    np.savez("mine.npz", x=np.zeros((60, 5), np.float32), y=np.arange(60) % 3)
    launch(Study.parse(TEXT.replace("{name: digits, fraction: 0.2}", "{name: npz, path: mine.npz}")), tmp_path / "home", measured=False)
    assert begun[0].data["path"] == "mine.npz"
