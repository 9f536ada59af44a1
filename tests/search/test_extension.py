"""More of everything for a study that has run: only what is missing is trained."""

from dataclasses import replace

import optuna
import pytest
from optuna.trial import TrialState

from search.errors import UserError
from search.evolve import extended
from search.ledger import MARK
from tests.search import fakes
from tests.search.test_searcher import Search
from trainables.evidence import PRUNED


def jobs(search):
    return [(one.method, [configuration.number for configuration in one.configurations], one.seeds) for one in search.finish()]


def one_method(**changes):
    return fakes.study(methods={"sam": {"rho": [0.01, 1.0]}}, group=8, **changes)


def test_more_configurations_are_asked_on_top_of_those_that_are_there(tmp_path):
    Search(tmp_path, one_method()).finish()
    assert jobs(Search(tmp_path, extended(one_method(), configurations=8))) == [("sam", [6, 7], [0, 1])]


def test_more_seeds_train_the_missing_members_only(tmp_path):
    Search(tmp_path, one_method()).finish()
    after = extended(one_method(), seeds=4)
    assert jobs(Search(tmp_path, after)) == [("erm", [0], [2, 3]), ("sam", [0, 1, 2, 3], [2, 3]), ("sam", [4, 5], [2, 3])]
    assert jobs(Search(tmp_path, after)) == []
    assert Search(tmp_path, after).ledger.complete


def test_extra_seeds_leave_the_trials_as_they_ended(tmp_path):
    first = Search(tmp_path, one_method())
    first.finish()
    values = [entry.values for entry in first.ledger.pages["sam"].entries]
    search = Search(tmp_path, extended(one_method(), seeds=4))
    search.finish()
    seen = optuna.load_study(study_name="fake/sam", storage=f"sqlite:///{tmp_path}/ledger.db")
    assert [trial.values for trial in seen.trials] == values
    assert len(seen.trials) == 6


def test_extra_seeds_in_flight_are_handed_out_again(tmp_path):
    Search(tmp_path, one_method()).finish()
    after = extended(one_method(), seeds=3)
    before = [Search(tmp_path, after).next()[1]]
    search = Search(tmp_path, after)
    again = search.next()
    assert again[1] == before[0]
    search.train(again[0])
    assert jobs(search) == [("sam", [0, 1, 2, 3, 4, 5], [2])]
    assert search.ledger.complete


def test_configurations_in_flight_when_seeds_are_added_keep_theirs_and_get_the_rest_later(tmp_path):
    Search(tmp_path, one_method()).next()
    assert jobs(Search(tmp_path, extended(one_method(), seeds=3)))[0] == ("erm", [0], [0, 1])
    assert Search(tmp_path, extended(one_method(), seeds=3)).ledger.complete


def test_pruned_configurations_get_no_more_seeds(tmp_path):
    search = Search(tmp_path, one_method())
    while (found := search.next()) != "FINISHED":
        search.train(found[0], PRUNED)
    assert jobs(Search(tmp_path, extended(one_method(), seeds=3))) == []


def test_extra_seeds_that_fail_are_halved_and_the_guilty_reported(tmp_path):
    Search(tmp_path, one_method()).finish()
    search = Search(tmp_path, extended(one_method(), seeds=3))
    while (found := search.next()) != "FINISHED":
        trial, asked = found
        if asked.method == "sam" and any(configuration.number == 1 for configuration in asked.configurations):
            search.searcher.on_trial_failed(trial, "it broke")
        else:
            search.train(trial)
    assert list(search.ledger.pages["sam"].failed.values()) == ["it broke"]
    assert search.ledger.complete
    assert [entry.state for entry in search.ledger.pages["sam"].entries] == [TrialState.COMPLETE] * 6


@pytest.mark.parametrize("written", [1, 2])
def test_a_split_of_extra_seeds_that_was_cut_short_trains_nobody_twice(tmp_path, written):
    Search(tmp_path, one_method()).finish()
    search = Search(tmp_path, extended(one_method(), seeds=3))
    search.train(search.next()[0])
    group = search.searcher.running[search.next()[0]]
    halves = [replace(half, name=f"sam-01{place}") for place, half in enumerate(group.halves())]
    for half in halves[:written]:
        search.ledger._record(half, "running")
    found = jobs(Search(tmp_path, extended(one_method(), seeds=3)))
    assert sorted(number for _, numbers, _ in found for number in numbers) == [0, 1, 2, 3, 4, 5]


def test_a_narrowed_range_is_kept_to(tmp_path):
    Search(tmp_path, one_method()).finish()
    search = Search(tmp_path, extended(one_method(), configurations=20, changes={"methods.sam.rho": "[0.05, 0.06]"}))
    search.finish()
    rho = [entry.numbers["rho"] for entry in search.ledger.pages["sam"].entries]
    assert all(0.05 <= value <= 0.06 for value in rho[6:])
    assert len(rho) == 20


def test_a_knob_that_was_fixed_may_be_searched_and_the_other_way_round(tmp_path):
    fixed = fakes.study(methods={"g-mix": {"alpha": 1.0}})
    Search(tmp_path, fixed).finish()
    free = extended(fixed, configurations=12, changes={"methods.g-mix.alpha": "[0.5, 2]", "methods.g-mix.rho": "0.1"})
    search = Search(tmp_path, free)
    search.finish()
    entries = search.ledger.pages["g-mix"].entries
    assert len({entry.numbers["alpha"] for entry in entries[6:]}) == 6
    assert {entry.numbers["rho"] for entry in entries[6:]} == {0.1}


def test_a_new_method_begins_with_its_own_budget(tmp_path):
    Search(tmp_path, one_method()).finish()
    found = jobs(Search(tmp_path, extended(one_method(), changes={"methods.mixup": "{}"})))
    assert sum(len(numbers) for method, numbers, _ in found) == 6
    assert {method for method, _, _ in found} == {"mixup"}


def test_a_ledger_of_a_later_format_is_refused(tmp_path):
    ledger = fakes.opened(tmp_path)
    ledger.storage.set_study_user_attr(ledger.pages["erm"].study_id, MARK, {"version": 2})
    with pytest.raises(UserError, match=r"fake: its ledger has format 2, .* up to 1; upgrade altiplano"):
        fakes.opened(tmp_path)


def test_a_trial_that_somebody_else_put_in_is_refused(tmp_path):
    fakes.opened(tmp_path)
    optuna.load_study(study_name="fake/sam", storage=f"sqlite:///{tmp_path}/ledger.db").ask()
    with pytest.raises(UserError, match="trial 0 of sam was not made by altiplano"):
        fakes.opened(tmp_path)
