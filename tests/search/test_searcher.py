import pytest
from optuna.trial import TrialState

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
