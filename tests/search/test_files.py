import shutil
from typing import NamedTuple

from search.files import Room, forget, sweep
from tests.search import fakes
from tests.search.test_searcher import Search
from trainables.home import Home


class Usage(NamedTuple):
    """What shutil says of a disk, in bytes."""

    total: int
    used: int
    free: int


def test_a_group_that_has_ended_leaves_no_checkpoint(tmp_path):
    search = Search(tmp_path)
    trial, asked = search.next()
    ends = (".pt", ".previous.pt", ".pt.unusable")
    names = [*(f"checkpoints/{asked.group}{end}" for end in ends), f"checkpoints/.{asked.group}.pt.x1y2z3"]
    for name in [*names, "checkpoints/other-0009.pt"]:
        search.home.write(name, b"weights")
    search.train(trial)
    assert search.home.names("checkpoints") == ["other-0009.pt"]
    assert search.home.unfinished("checkpoints") == []


def test_checkpoints_of_groups_that_are_not_in_flight_are_removed_on_start(tmp_path):
    ledger, home = fakes.opened(tmp_path), Home(str(tmp_path / "fake"))
    group = ledger.ask("sam", 2)
    home.write(f"checkpoints/{group.name}.pt", b"")
    home.write("checkpoints/sam-0077.pt", b"")
    for name in (f"checkpoints/.{group.name}.pt.x1y2z3", "evidence/.sam-0001.parquet.x1y2z3"):
        home.write(name, b"half")
    sweep(ledger, home)
    assert home.unfinished("checkpoints") == home.unfinished("evidence") == []
    assert home.names("checkpoints") == [f"{group.name}.pt"]


def test_a_method_may_have_dots_in_its_name(tmp_path):
    ledger, home = fakes.opened(tmp_path, fakes.study(methods={"sam-0.1": {"perturbation": "sam"}})), Home(str(tmp_path / "fake"))
    group = ledger.ask("sam-0.1", 2)
    kept = [f"{group.name}.previous.pt", f"{group.name}.pt", f"{group.name}.pt.unusable"]
    for name in (*kept, "sam-0.1-0099.pt", "sam-0.pt"):
        home.write(f"checkpoints/{name}", b"")
    sweep(ledger, home)
    assert home.names("checkpoints") == sorted(kept)
    home.write(f"checkpoints/.{group.name}.pt.x1y2z3", b"half")
    forget(home, group)
    assert (home.names("checkpoints"), home.unfinished("checkpoints")) == ([], [])


def test_a_name_that_begins_alike_is_another_group(tmp_path):
    ledger, home = fakes.opened(tmp_path), Home(str(tmp_path / "fake"))
    group = ledger.ask("sam", 2)
    home.write("checkpoints/sam-00010.pt", b"")
    forget(home, group)
    assert home.names("checkpoints") == ["sam-00010.pt"]


def test_a_full_disk_pauses_new_groups_with_a_message_and_goes_on_when_there_is_room(tmp_path, monkeypatch):
    search = Search(tmp_path)
    search.home.write("x", b"")
    free = [10**6]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, free[0]))
    assert search.next() is None
    assert search.next() is None
    notes = [text for kind, text in search.told if kind == "note"]
    assert len(notes) == 1
    assert "200 MB must be free, 1 MB are" in notes[0]
    free[0] = 10**10
    assert isinstance(search.next(), tuple)
    assert "going on" in search.told[-2][1]


def test_a_worker_without_room_for_its_evidence_is_told_once(tmp_path):
    search = Search(tmp_path)
    trial, asked = search.next()
    for epoch in (5, 5):
        search.searcher.on_trial_result(trial, {"epoch": epoch, "full": "No space left on device"})
    notes = [text for kind, text in search.told if kind == "note"]
    assert notes == [f"{asked.group}: No space left on device; waiting for room"]


def test_what_a_worker_has_to_say_is_passed_on(tmp_path):
    search = Search(tmp_path)
    trial, _ = search.next()
    search.searcher.on_trial_result(trial, {"epoch": 1, "notes": ["a.pt cannot be used"]})
    group = search.searcher.running[trial]
    fakes.leave(search.home, search.study, group)
    search.searcher.on_trial_complete(trial, {"done": True, "notes": ["storage.budget is spent"]})
    assert [text for kind, text in search.told if kind == "note"] == ["a.pt cannot be used", "storage.budget is spent"]


def test_a_home_elsewhere_is_never_full():
    assert Room(Home("memory://x"), 10**15, lambda *what: None).enough()
