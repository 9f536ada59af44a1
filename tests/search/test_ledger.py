import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from search.errors import UserError
from search.fresh import FRESH
from search.ledger import MARK, VERSION, Ledger
from search.storage import connect
from tests.search import fakes
from trainables.evidence import COMPLETE, DIVERGED, PRUNED


def test_a_group_is_asked_as_optuna_trials_that_run(tmp_path):
    ledger = fakes.opened(tmp_path)
    group = ledger.ask("mixup", 2)
    assert group.name == "mixup-0001"
    assert [one.number for one in group.configurations] == [0, 1]
    seen = optuna.load_study(study_name="fake/mixup", storage=f"sqlite:///{tmp_path}/ledger.db")
    assert [trial.state for trial in seen.trials] == [TrialState.RUNNING] * 2
    for trial, configuration in zip(seen.trials, group.configurations, strict=True):
        assert set(trial.params) == {"alpha"}
        assert trial.params["alpha"] == configuration.numbers["alpha"] == trial.user_attrs["numbers"]["alpha"]
        assert configuration.numbers["lr"] == 0.1
        assert trial.user_attrs["group"] == "mixup-0001"


def test_all_studies_are_maximised_by_objectives_with_names(tmp_path):
    fakes.opened(tmp_path)
    for method in ("erm", "mixup", "sam"):
        seen = optuna.load_study(study_name=f"fake/{method}", storage=f"sqlite:///{tmp_path}/ledger.db")
        assert [direction.name for direction in seen.directions] == ["MAXIMIZE"] * 3
        assert seen.metric_names == ["accuracy", "tail", "stability"]


@pytest.mark.parametrize("call", ["set_study_system_attr", "set_study_user_attr"])
def test_a_study_that_was_begun_and_not_named_is_named_by_the_next_driver(tmp_path, monkeypatch, call):
    ledger = fakes.opened(tmp_path)
    kept = getattr(RDBStorage, call)

    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(RDBStorage, call, killed)
    with pytest.raises(KeyboardInterrupt):
        Ledger(fakes.study(name="begun"), ledger.storage)
    monkeypatch.setattr(RDBStorage, call, kept)
    Ledger(fakes.study(name="begun"), ledger.storage)
    seen = optuna.load_study(study_name="begun/erm", storage=ledger.storage)
    assert seen.metric_names == ["accuracy", "tail", "stability"]
    assert seen.user_attrs[MARK]["version"] == VERSION


def test_no_more_is_asked_than_the_budget(tmp_path):
    ledger = fakes.opened(tmp_path)
    assert [len(ledger.ask("sam", 4).configurations), len(ledger.ask("sam", 4).configurations)] == [4, 2]
    assert ledger.ask("sam", 4) is None
    assert len(ledger.ask("erm", 4).configurations) == 1
    assert ledger.ask("erm", 4) is None


def test_evidence_ends_a_configuration_with_its_objectives(tmp_path):
    ledger = fakes.opened(tmp_path)
    group = ledger.ask("mixup", 1)
    ledger.settle(group, fakes.members(ledger.study, group))
    expected = fakes.score(group.configurations[0].numbers)
    trial = optuna.load_study(study_name="fake/mixup", storage=f"sqlite:///{tmp_path}/ledger.db").trials[0]
    assert trial.state == TrialState.COMPLETE
    assert trial.values == pytest.approx([expected, expected / 2, 1.0])


def test_evidence_that_comes_twice_changes_nothing(tmp_path):
    ledger = fakes.opened(tmp_path)
    group = ledger.ask("mixup", 2)
    ledger.settle(group, fakes.members(ledger.study, group))
    before = [entry.values for entry in ledger.pages["mixup"].entries]
    ledger.settle(group, fakes.members(ledger.study, group, PRUNED))
    assert [entry.values for entry in ledger.pages["mixup"].entries] == before
    assert [entry.values for entry in fakes.opened(tmp_path).pages["mixup"].entries] == before


def test_a_diverged_member_is_a_result(tmp_path):
    ledger = fakes.opened(tmp_path)
    group = ledger.ask("mixup", 1)
    ledger.settle(group, fakes.members(ledger.study, group, DIVERGED))
    assert ledger.pages["mixup"].entries[0].state == TrialState.COMPLETE


@pytest.mark.parametrize("objectives", [["accuracy"], ["accuracy", "tail"]])
def test_a_pruned_configuration_is_pruned_and_never_complete(tmp_path, objectives):
    ledger = fakes.opened(tmp_path, fakes.study(objectives=objectives))
    group = ledger.ask("mixup", 1)
    ledger.settle(group, fakes.members(ledger.study, group, PRUNED))
    trial = optuna.load_study(study_name="fake/mixup", storage=f"sqlite:///{tmp_path}/ledger.db").trials[0]
    assert trial.state == TrialState.PRUNED
    assert list(trial.intermediate_values.values()) == ([pytest.approx(fakes.score(trial.params))] if len(objectives) == 1 else [])


def test_evidence_without_all_seeds_is_refused(tmp_path):
    ledger = fakes.opened(tmp_path)
    group = ledger.ask("mixup", 1)
    with pytest.raises(ValueError, match=r"every seed of configuration 0, \[1\] are missing"):
        ledger.settle(group, fakes.members(ledger.study, group)[:1])
    assert ledger.in_flight() == [group]


def test_what_is_in_flight_comes_from_the_storage_alone(tmp_path):
    ledger = fakes.opened(tmp_path)
    asked = [ledger.ask("mixup", 3), ledger.ask("erm", 3), ledger.ask("sam", 2)]
    ledger.settle(asked[1], fakes.members(ledger.study, asked[1]))
    again = fakes.opened(tmp_path)
    assert again.in_flight() == [asked[0], asked[2]]
    assert again.ask("sam", 1).name == "sam-0004"


def test_a_failed_configuration_keeps_its_reason_and_its_place_in_the_budget(tmp_path):
    ledger = fakes.opened(tmp_path)
    group = ledger.ask("mixup", 6)
    ledger.fail(group, "it broke")
    again = fakes.opened(tmp_path)
    assert {entry.reason for entry in again.pages["mixup"].entries} == {"it broke"}
    assert {entry.state for entry in again.pages["mixup"].entries} == {TrialState.FAIL}
    assert again.ask("mixup", 1) is None


def test_a_group_splits_into_halves_under_new_names(tmp_path):
    ledger = fakes.opened(tmp_path)
    group = ledger.ask("mixup", 5)
    halves = ledger.split(group)
    assert [half.name for half in halves] == ["mixup-0002", "mixup-0003"]
    assert halves[0].configurations + halves[1].configurations == group.configurations
    assert fakes.opened(tmp_path).in_flight() == list(halves)


@pytest.mark.parametrize("state", ["running", "complete", "failed", "split"])
def test_the_name_of_a_group_of_fresh_seeds_is_never_given_again(tmp_path, state):
    ledger = fakes.opened(tmp_path)
    searched = ledger.ask("mixup", 2)
    ledger.settle(searched, fakes.members(ledger.study, searched))
    group = ledger.ask_fresh("mixup", [0, 1], [FRESH], "test")
    ends = {"complete": lambda: ledger.settle(group, fakes.members(ledger.study, group)), "failed": lambda: ledger.fail(group, "it broke")}
    names = {searched.name, group.name, *(half.name for half in (ledger.split(group) if state == "split" else ()))}
    ends.get(state, lambda: None)()
    assert fakes.opened(tmp_path).ask_fresh("mixup", [0, 1], [FRESH + 1], "test").name not in names


def test_a_study_is_complete_when_every_budget_has_ended(tmp_path):
    ledger = fakes.opened(tmp_path)
    for method in ("erm", "mixup", "sam"):
        group = ledger.ask(method, 6)
        assert not ledger.complete
        ledger.settle(group, fakes.members(ledger.study, group, COMPLETE))
    assert ledger.complete


def test_looking_creates_nothing(tmp_path):
    ledger = fakes.opened(tmp_path, reading=True)
    assert [len(page.entries) for page in ledger.pages.values()] == [0, 0, 0]
    assert connect(f"sqlite:///{tmp_path}/ledger.db").get_all_studies() == []


def test_two_studies_share_a_database(tmp_path):
    first, second = fakes.opened(tmp_path), fakes.opened(tmp_path, fakes.study(name="other"))
    first.ask("mixup", 2)
    assert second.in_flight() == []
    assert len(fakes.opened(tmp_path).in_flight()) == 1


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(UserError, match=r"ledger\.db: the ledger cannot be opened .*restore it from a backup"):
        connect(f"sqlite:///{tmp_path}/ledger.db")
    assert (tmp_path / "ledger.db").read_bytes() == b"this is no database" * 100


def test_a_torn_database_is_named(tmp_path):
    ledger = fakes.opened(tmp_path)
    for _ in range(2):
        ledger.ask("sam", 3)
    ledger.storage.engine.dispose()
    content = bytearray((tmp_path / "ledger.db").read_bytes())
    for page in range(4096, len(content), 4096):
        content[page : page + 200] = b"\xff" * 200
    (tmp_path / "ledger.db").write_bytes(content)
    with pytest.raises(UserError, match=r"ledger\.db: the ledger"):
        connect(f"sqlite:///{tmp_path}/ledger.db")


@pytest.mark.parametrize(("url", "words"), [("nonsense", "must look like"), ("mysql://host/db", "driver is not installed")])
def test_a_url_that_is_none_is_refused(url, words):
    with pytest.raises(UserError, match=words):
        connect(url)


def test_a_missing_ledger_is_not_made_where_there_must_be_one(tmp_path):
    with pytest.raises(UserError, match="there is no such ledger"):
        connect(f"sqlite:///{tmp_path}/ledger.db", existing=True)
    assert list(tmp_path.iterdir()) == []
