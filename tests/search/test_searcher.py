import errno
import json
import subprocess
import sys

import pytest
from optuna.trial import TrialState
from ray import cloudpickle

from search.files import evidence_file
from search.searcher import GroupSearcher, job
from tests.search import fakes
from trainables.evidence import PRUNED
from trainables.home import Home
from trainables.job import STOP, Job


class Search:
    """A searcher, and a Tune that trains whatever it is given at once."""

    def __init__(self, folder, asked=None, slots=2):
        self.folder = folder
        self.study = asked or fakes.study()
        self.home = Home(str(folder / self.study.name))
        self.told = []
        self.ledger = fakes.opened(folder, self.study)
        self.searcher = GroupSearcher(self.ledger, self.home, str(folder), lambda *what: self.told.append(what), lambda: slots)
        self.trials = 0

    def next(self):
        """(trial id, job) of the next trial, or what else the searcher said."""
        self.trials += 1
        found = self.searcher.suggest(f"t{self.trials}")
        return (f"t{self.trials}", Job.from_dict(found["job"])) if isinstance(found, dict) else found

    def train(self, trial, status="complete"):
        """Let a trial finish as its worker would."""
        group = self.searcher.running[trial]
        fakes.leave(self.home, self.study, group, status)
        self.searcher.on_trial_complete(trial, {"done": True})

    def finish(self):
        """Train until the searcher says that there is nothing left; return the jobs."""
        jobs = []
        while (found := self.next()) != "FINISHED":
            jobs.append(found[1])
            self.train(found[0])
        return jobs

    def states(self):
        """State of each configuration of each method."""
        return {name: [entry.state.name for entry in page.entries] for name, page in self.ledger.pages.items()}


DONE = {"erm": ["COMPLETE"], "mixup": ["COMPLETE"] * 6, "sam": ["COMPLETE"] * 6}


def test_methods_take_turns_until_every_budget_is_met(tmp_path):
    search = Search(tmp_path)
    jobs = search.finish()
    assert [one.method for one in jobs] == ["erm", "mixup", "sam", "mixup", "sam", "mixup", "sam"]
    assert [len(one.configurations) for one in jobs] == [1, 2, 2, 2, 2, 2, 2]
    assert search.states() == DONE
    assert search.ledger.complete


def test_a_job_says_all_that_a_worker_needs(tmp_path):
    asked = fakes.study(
        training={"epochs": 7, "momentum": 0.5},
        halving={"rungs": [2, 4], "keep": 0.5},
        tail="cvar(.1)",
        data={"name": "digits", "label_noise": 0.2},
    )
    ledger = fakes.opened(tmp_path, asked)
    group = ledger.ask("mixup", 2)
    made = job(asked, group, "somewhere")
    assert (made.study, made.home, made.method, made.group) == ("fake", "somewhere", "mixup", "mixup-0001")
    assert made.axes == {"mixing": "mixup", "perturbation": "none", "criterion": "mean"}
    assert made.configurations == list(group.configurations)
    assert (made.seeds, made.rungs, made.keep, made.tail) == ([0, 1], [2, 4], 0.5, "cvar(.1)")
    assert (made.training["epochs"], made.training["momentum"], made.data["label_noise"]) == (7, 0.5, 0.2)
    assert Job.from_dict(made.to_dict()) == made


def test_a_worker_needs_nothing_of_this_package_to_halve_a_group(tmp_path):
    trial = Search(tmp_path, fakes.study(training={"epochs": 7}, halving={"rungs": [2], "keep": 0.5})).searcher.suggest("t1")
    code = (
        "import pickle, sys; pickle.load(sys.stdin.buffer)['promote']; print([name for name in sys.modules if name.startswith('search')])"
    )
    found = subprocess.run([sys.executable, "-c", code], input=cloudpickle.dumps(trial), capture_output=True, check=True)
    assert found.stdout.split() == [b"[]"]


def test_one_more_group_than_can_run_is_handed_out_and_no_more(tmp_path):
    search = Search(tmp_path, slots=2)
    first = [search.next() for _ in range(3)]
    assert search.next() is None
    search.train(first[0][0])
    assert search.next() is not None


def test_while_something_runs_the_end_is_not_declared(tmp_path):
    search = Search(tmp_path, slots=99)
    trials = [search.next()[0] for _ in range(7)]
    assert search.next() is None
    for trial in trials:
        search.train(trial)
    assert search.next() == "FINISHED"


def test_what_was_in_flight_is_handed_out_again_first_under_its_name(tmp_path):
    before = Search(tmp_path)
    asked = [before.next()[1] for _ in range(3)]
    after = Search(tmp_path)
    again = [after.next()[1] for _ in range(3)]
    assert again == asked
    after.train("t1"), after.train("t2"), after.train("t3")
    after.finish()
    assert after.states() == DONE


def test_evidence_without_an_outcome_is_settled_and_not_trained_again(tmp_path):
    before = Search(tmp_path)
    trial, asked = before.next()
    fakes.leave(before.home, before.study, before.searcher.running[trial])
    after = Search(tmp_path)
    assert after.states()["erm"] == ["COMPLETE"]
    assert after.next()[1].group != asked.group


def test_evidence_that_cannot_be_read_is_set_aside_and_its_group_trained_again(tmp_path):
    before = Search(tmp_path)
    trial, asked = before.next()
    name = evidence_file(before.searcher.running[trial])
    before.home.write(name, b"torn")
    after = Search(tmp_path)
    assert after.home.read(f"{name}.unusable") == b"torn"
    assert "trained again" in after.told[0][1]
    assert after.next()[1] == asked


def test_a_checkpoint_stays_until_the_evidence_of_its_group_has_been_read(tmp_path):
    before = Search(tmp_path)
    trial, asked = before.next()
    group, checkpoint = before.searcher.running[trial], f"checkpoints/{asked.group}.pt"
    before.home.write(checkpoint, b"epoch 3")
    before.home.write(evidence_file(group), b"torn")
    again = Search(tmp_path)
    assert again.home.read(checkpoint) == b"epoch 3"
    trial, _ = again.next()
    again.train(trial)
    assert again.home.read(checkpoint) is None


def test_a_group_that_left_is_still_in_flight(tmp_path):
    search = Search(tmp_path)
    trial, asked = search.next()
    search.searcher.stopping = True
    search.searcher.on_trial_complete(trial, {"done": True, "left": True})
    assert search.next() == "FINISHED"
    assert Search(tmp_path).next()[1] == asked


def test_a_group_that_fails_is_halved_until_the_guilty_one_stands_alone(tmp_path):
    search = Search(tmp_path, fakes.study(methods={"sam": {"rho": [0.01, 1.0]}}, group=8))
    trial, _ = search.next()
    search.train(trial)
    while (found := search.next()) != "FINISHED":
        trial, asked = found
        if any(configuration.number == 2 for configuration in asked.configurations):
            search.searcher.on_trial_failed(trial, "Killed: out of memory")
        else:
            search.train(trial)
    assert search.states()["sam"] == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]
    assert search.ledger.pages["sam"].entries[2].reason == "Killed: out of memory"


def test_where_nothing_trains_at_all_the_search_ends_and_says_so(tmp_path):
    search = Search(tmp_path)
    trial, asked = search.next()
    search.searcher.on_trial_failed(trial, "ImportError: no torch")
    assert search.next() == "FINISHED"
    assert "ImportError: no torch" in str(search.searcher.trouble)
    assert search.home.exists(STOP)
    assert Search(tmp_path).next()[1] == asked


def test_a_pruned_group_counts_towards_the_budget(tmp_path):
    search = Search(tmp_path, fakes.study(methods={"sam": {"rho": [0.01, 1.0]}}))
    while (found := search.next()) != "FINISHED":
        search.train(found[0], PRUNED)
    assert [entry.state for entry in search.ledger.pages["sam"].entries] == [TrialState.PRUNED] * 6


def test_a_fault_of_the_ledger_ends_the_search_and_is_kept(tmp_path, monkeypatch):
    search = Search(tmp_path)
    trial, _ = search.next()

    def broken(*arguments):
        raise OSError("disk on fire")

    monkeypatch.setattr(search.ledger.storage, "set_trial_state_values", broken)
    search.train(trial)
    assert str(search.searcher.trouble) == "disk on fire"
    assert search.next() == "FINISHED"


@pytest.mark.parametrize(("group", "seeds", "size"), [("auto", 3, 4), ("auto", 12, 1), ("auto", 40, 1), (10, 3, 3), (1, 3, 1)])
def test_the_size_of_a_group_counts_members(tmp_path, group, seeds, size):
    search = Search(tmp_path, fakes.study(group=group, seeds=seeds, methods={"sam": {"rho": [0.01, 1.0]}}))
    search.train(search.next()[0])
    assert len(search.next()[1].configurations) == size


def test_a_group_that_tune_tries_again_is_said_to_have_lost_its_machine_and_is_recorded_on_its_new_one(tmp_path):
    search = Search(tmp_path)
    trial, first = search.next()
    search.searcher.on_trial_result(trial, {"hostname": "worker", "pid": 1, "epoch": 1})
    search.searcher.on_machine_replaced(trial)
    assert search.told[-1] == ("note", f"{first.group}: its machine is gone; going on elsewhere from its last checkpoint")
    search.searcher.on_trial_result(trial, {"hostname": "head", "pid": 2, "epoch": 1})
    assert search.ledger.pages[first.method].started[first.group] == {"host": "head", "process": 2}
    search.train(trial)
    search.searcher.on_machine_replaced(trial)  # it has ended meanwhile
    assert search.told[-1][0] == "settled"


def test_a_group_whose_machine_is_gone_goes_on_first_and_is_neither_failed_nor_halved(tmp_path):
    search = Search(tmp_path)
    search.train(search.next()[0])
    trial, first = search.next()
    search.searcher.on_machine_lost(trial)
    search.searcher.on_machine_lost(trial)  # Tune may tell a trial's end twice
    assert [words for kind, words in search.told if kind == "note"] == [
        f"{first.group}: its machine is gone; going on elsewhere from its last checkpoint"
    ]
    assert search.next()[1] == first
    search.train(f"t{search.trials}")
    search.finish()
    assert search.states() == DONE


def a_result(pid, epoch, since, seconds):
    return {"hostname": "a", "pid": pid, "epoch": epoch, "since": since, "seconds": seconds}


def put_down(search):
    """(group, method, seconds) of each line of the study's record of faults."""
    lines = (search.home.read("faults.jsonl") or b"").decode().splitlines()
    return [tuple(json.loads(line)[key] for key in ("group", "method", "seconds")) for line in lines]


def test_what_a_restarted_worker_does_again_is_recorded_for_the_report(tmp_path):
    """Thirty epochs took 60 s; its successor goes on from epoch 20. The same worker's next result, and a first one, cost nothing."""
    search = Search(tmp_path)
    trial, asked = search.next()

    def heard(*result):
        search.searcher.on_trial_result(trial, a_result(*result))

    heard(1, 12, 0, 24.0), heard(1, 30, 0, 60.0)
    assert put_down(search) == []
    heard(2, 21, 20, 2.0)
    search.searcher.on_machine_replaced(trial)
    heard(2, 24, 20, 10.0), heard(3, 1, 0, 2.0)
    assert put_down(search) == [(asked.group, "erm", 20.0), (asked.group, "erm", 60.0)]  # 24 epochs of 2.5 s: no checkpoint was usable


def test_the_work_of_a_group_whose_machine_is_lost_is_recorded_once_it_goes_on_elsewhere(tmp_path):
    search = Search(tmp_path)
    search.train(search.next()[0])
    trial, asked = search.next()
    search.searcher.on_trial_result(trial, a_result(1, 10, 0, 30.0))
    search.searcher.on_machine_lost(trial)
    assert search.next()[1] == asked
    search.searcher.on_trial_result(f"t{search.trials}", a_result(7, 9, 8, 3.0))
    assert put_down(search) == [(asked.group, asked.method, 6.0)]


def test_the_work_of_a_group_that_is_halved_is_recorded_and_that_of_one_that_ends_or_leaves_is_not(tmp_path):
    search = Search(tmp_path)
    trial, _ = search.next()
    search.searcher.on_trial_result(trial, a_result(1, 30, 0, 60.0))
    search.train(trial)
    trial, left = search.next()
    search.searcher.on_trial_result(trial, a_result(1, 4, 0, 8.0))
    search.searcher.on_trial_complete(trial, {"done": True, "left": True})
    trial, again = search.next()
    assert again == left
    search.searcher.on_trial_result(trial, a_result(2, 6, 4, 5.0))
    assert put_down(search) == []
    search.searcher.on_trial_failed(trial, "out of memory")
    assert put_down(search) == [(left.group, left.method, 15.0)]


def test_a_home_that_takes_no_record_of_a_fault_ends_no_search_and_gets_it_later(tmp_path, monkeypatch):
    search = Search(tmp_path)
    trial, asked = search.next()

    def full(name, content):
        raise OSError(errno.ENOSPC, "No space left on device", name)

    search.searcher.on_trial_result(trial, a_result(1, 10, 0, 10.0))
    with monkeypatch.context() as patch:
        patch.setattr(search.home, "write", full)
        search.searcher.on_trial_result(trial, a_result(2, 8, 7, 1.0))
    assert (search.searcher.trouble, put_down(search)) == (None, [])
    search.searcher.on_trial_result(trial, a_result(3, 8, 7, 1.0))
    assert put_down(search) == [(asked.group, "erm", 3.0), (asked.group, "erm", 1.0)]
