import threading

import pytest
from sqlalchemy.engine import make_url

from search.errors import UserError
from search.held import held
from search.patience import Patience
from search.storage import with_driver
from tests.search import fakes
from trainables.home import Home


@pytest.fixture
def restarting(postgres):
    """A server that was killed, and comes back once somebody waits for it."""
    postgres.kill()
    coming = threading.Thread(target=postgres.start)
    told = []

    def tell(kind, text):
        told.append(text)
        if len(told) == 1:
            coming.start()

    yield postgres, tell, told
    if told:
        coming.join()
    else:
        postgres.start()


def test_a_driver_that_starts_waits_for_a_server_that_restarts(tmp_path, restarting):
    server, tell, told = restarting
    with held("mine", Home(str(tmp_path)), server.url, Patience(120, tell, pause=0.05), new=True) as (storage, lease):
        lease.renew()
        assert "mine" not in {study.study_name for study in storage.get_all_studies()}
    assert "the ledger cannot be used (" in told[0]
    assert told[1] == "the ledger can be used again"


def test_a_server_that_does_not_come_back_is_named_after_the_wait(tmp_path):
    url = "postgresql://me:hunter2@127.0.0.1:1/db"
    with pytest.raises(UserError, match=r"me:\*\*\*@127.0.0.1:1/db: the ledger cannot be opened") as raised:
        held("mine", Home(str(tmp_path)), url, Patience(0.2, pause=0.1)).__enter__()
    assert "hunter2" not in str(raised.value)


def test_a_server_that_answers_and_refuses_is_not_waited_for(tmp_path, postgres):
    told = []
    url = make_url(with_driver(postgres.url)).set(database="nosuch").render_as_string(hide_password=False)
    with pytest.raises(UserError, match='database "nosuch" does not exist'):
        held("mine", Home(str(tmp_path)), url, Patience(600, lambda *what: told.append(what))).__enter__()
    assert told == []


def test_a_driver_whose_lease_fell_with_the_server_writes_nothing_once_another_has_it(tmp_path, postgres):
    """The pool of connections mends itself before a write, so that no write need fail for the lease to be gone."""
    one, two = Home(str(tmp_path / "one")), Home(str(tmp_path / "two"))
    study = fakes.study(name="leased")
    with held("leased", one, postgres.url, Patience(), new=True) as (storage, lease):
        ledger = fakes.Ledger(study, storage, patience=Patience(before=lease.renew))
        ledger.ask("mixup", 1)
        postgres.kill()
        postgres.start()
        ledger.ask("mixup", 1)
        postgres.kill()
        postgres.start()
        with held("leased", two, postgres.url, Patience(), new=True), pytest.raises(UserError, match="the study is being run by"):
            ledger.ask("mixup", 1)
        assert len(fakes.Ledger(study, storage, reading=True).pages["mixup"].entries) == 2


def test_a_ledger_that_knows_nothing_of_a_study_with_evidence_is_refused(tmp_path):
    home, other = Home(str(tmp_path / "mine")), f"sqlite:///{tmp_path}/other.db"
    for part in ("evidence", "checkpoints"):
        home.write(f"{part}/erm-0001.parquet", b"")
    with pytest.raises(UserError, match="there is no such ledger; restore the file"):
        held("mine", home, other, Patience()).__enter__()
    with held("mine", home, other, Patience(), new=True):
        pass
    with pytest.raises(UserError, match=r"other.db knows nothing of this study, of which .*/mine has evidence; give the one"):
        held("mine", home, other, Patience()).__enter__()
    with held("mine", Home(str(tmp_path / "empty")), other, Patience()):
        pass
