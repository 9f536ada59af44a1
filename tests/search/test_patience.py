import pytest
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import OperationalError

from search.patience import Patience, reason
from tests.search import fakes

FULL = OperationalError("INSERT", {}, Exception("database or disk is full"))


class Faulty:
    """Raises what it is given, one a call, then returns."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.again = []

    def __call__(self, again):
        self.again.append(again)
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_what_works_at_once_is_done_once():
    do = Faulty()
    assert Patience()(do) == "done"
    assert do.again == [False]


def test_a_passing_fault_is_waited_out_and_told_once():
    told = []
    do = Faulty(FULL, StorageInternalError("away"), FULL)
    assert Patience(60, lambda *what: told.append(what), pause=0)(do) == "done"
    assert do.again == [False, True, True, True]
    assert [kind for kind, _ in told] == ["note", "note"]
    assert "database or disk is full" in told[0][1]
    assert "again" in told[1][1]


def test_without_patience_the_fault_is_raised():
    with pytest.raises(OperationalError):
        Patience()(Faulty(FULL))


def test_a_user_who_stops_does_not_wait():
    with pytest.raises(OperationalError):
        Patience(60, stopped=lambda: True, pause=0)(Faulty(FULL))


def test_another_fault_is_not_waited_for():
    with pytest.raises(KeyError):
        Patience(60, pause=0)(Faulty(KeyError("x")))


def test_before_another_attempt_the_lease_is_looked_at():
    class Taken(Exception):  # noqa: N818
        pass

    def before():
        raise Taken

    with pytest.raises(Taken):
        Patience(60, before=before, pause=0)(Faulty(FULL))


def test_the_reason_is_the_databases_own():
    assert reason(FULL) == "database or disk is full"


class Lossy:
    """A storage whose connection breaks just after it has done what it was asked."""

    def __init__(self, storage, names):
        self.storage, self.names = storage, set(names)

    def __getattr__(self, name):
        method = getattr(self.storage, name)
        if name not in self.names:
            return method

        def call(*arguments):
            method(*arguments)
            self.names.discard(name)
            raise StorageInternalError("the connection is lost")

        return call


@pytest.mark.parametrize("name", ["create_new_trial", "set_trial_state_values", "set_trial_user_attr", "set_study_user_attr"])
def test_what_was_done_when_the_connection_broke_is_not_done_twice(tmp_path, name):
    ledger = fakes.opened(tmp_path, patience=Patience(60, pause=0))
    ledger.storage = Lossy(ledger.storage, [name])
    group = ledger.ask("mixup", 2)
    ledger.started(group, {"host": "here"})
    first, second = ledger.split(group)
    ledger.settle(first, fakes.members(ledger.study, first))
    ledger.fail(second, "it broke")
    again = fakes.opened(tmp_path)
    assert [entry.state.name for entry in again.pages["mixup"].entries] == ["COMPLETE", "FAIL"]
    assert [entry.numbers for entry in again.pages["mixup"].entries] == [one.numbers for one in group.configurations]
