import gc

import pytest
from optuna.study import StudyDirection

from search.errors import UserError
from search.storage import VARIABLE, connect, opened, public, url_for, url_of, with_driver, without_password
from search.study import Study
from trainables.home import Home

SECRET = "postgresql://me:hunter2@host/db"  # noqa: S105 it opens nothing


def test_the_ledger_is_a_file_in_the_home_unless_said_otherwise(tmp_path, monkeypatch):
    home = Home(str(tmp_path))
    assert url_for(home, None) == f"sqlite:///{tmp_path}/ledger.db"
    monkeypatch.setenv(VARIABLE, SECRET)
    assert url_for(home, None) == "postgresql+psycopg://me:hunter2@host/db"
    assert url_for(home, "sqlite:///other.db") == "sqlite:///other.db"


def test_the_ledger_in_a_studys_home_comes_before_the_environments(tmp_path, monkeypatch):
    home = Home(str(tmp_path))
    monkeypatch.setenv(VARIABLE, SECRET)
    assert url_of(home, None, None) == "postgresql+psycopg://me:hunter2@host/db"
    (tmp_path / "ledger.db").touch()
    assert url_of(home, None, None) == f"sqlite:///{tmp_path}/ledger.db"
    assert url_of(home, None, "postgresql://me@host/db") == "postgresql+psycopg://me:hunter2@host/db", "the password is there alone"
    assert url_of(home, "sqlite:///given.db", None) == "sqlite:///given.db"


def test_a_home_elsewhere_needs_a_database():
    with pytest.raises(UserError, match="needs a database for the ledger"):
        url_for(Home("memory://bucket/x"), None)


@pytest.mark.parametrize("url", ["postgres://h/d", "postgresql://h/d", "postgresql+psycopg://h/d"])
def test_postgresql_means_psycopg_3(url):
    assert with_driver(url) == "postgresql+psycopg://h/d"


def test_a_password_is_in_no_message_and_no_file(tmp_path):
    study = Study.parse(f"name: x\nmethods: {{sam: {{}}}}\nledger: {SECRET}\n")
    assert study.ledger_url == SECRET
    for text in (study.dump(), repr(study), str(study.plain()), without_password(SECRET), public(SECRET)):
        assert "hunter2" not in text
    assert Study.parse(study.dump()).ledger_url == "postgresql://me@host/db"
    for hide in (without_password, public):
        assert hide("postgresql://h/db?user=me&password=hunter2&sslpassword=hunter2") == "postgresql://h/db?user=me"
    with pytest.raises(UserError) as raised:
        connect("postgresql://me:hunter2@127.0.0.1:1/db")
    assert "hunter2" not in str(raised.value)
    assert "the ledger cannot be opened" in str(raised.value)


def test_a_ledger_in_postgresql_is_a_plain_optuna_storage(postgres):
    storage = connect(postgres.url)
    assert storage.engine.dialect.name == "postgresql"
    assert "secret" not in repr(storage.engine.url)
    storage.engine.dispose()


@pytest.fixture
def uncollected():
    """No garbage is collected: what is not closed stays open."""
    gc.disable()
    yield
    gc.enable()


def test_a_ledger_that_is_left_has_no_files_of_sqlites_beside_it(tmp_path, uncollected):
    url = f"sqlite:///{tmp_path}/ledger.db"
    with opened(url) as storage:
        storage.create_new_study([StudyDirection.MAXIMIZE], "a/b")
        assert (tmp_path / "ledger.db-wal").exists(), "or there is nothing to be seen"
    with pytest.raises(KeyError, match="not exist"), opened(url, existing=True) as storage:
        storage.get_study_id_from_name("no such")
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.db"]


def test_a_ledger_that_cannot_be_used_is_not_kept_open(tmp_path, uncollected, monkeypatch):
    url = f"sqlite:///{tmp_path}/ledger.db"
    with opened(url):
        pass
    monkeypatch.setattr("search.storage._verify", damaged)
    with pytest.raises(UserError, match="damaged"):
        connect(url)
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.db"]


def damaged(engine, shown):
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT * FROM studies").all()
    raise UserError(f"{shown}: damaged")
