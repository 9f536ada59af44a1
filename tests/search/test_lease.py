import json
import os
import subprocess
import sys

import pytest
import sqlalchemy

from search.errors import UserError
from search.lease import FILE, Lease, whoami
from search.storage import with_driver
from trainables.home import Home

HOLD = """
import sys, sqlalchemy
from search.lease import Lease
from trainables.home import Home
with Lease("mine", Home(sys.argv[1]), sqlalchemy.create_engine(sys.argv[2])).held():
    print("held", flush=True)
    sys.stdin.read()
"""


def lease(folder, url="sqlite://"):
    return Lease("mine", Home(str(folder)), sqlalchemy.create_engine(url))


def holder(folder, url="sqlite://"):
    """Another process that holds the lease until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder), url], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def killed(process):
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_a_second_driver_is_refused_with_who_holds_it_and_since_when(tmp_path):
    process = holder(tmp_path)
    since = json.loads((tmp_path / FILE).read_text())["since"]
    with pytest.raises(UserError, match=rf"mine: the study is being run by .*process {process.pid} since {since}"), lease(tmp_path).held():
        pass
    killed(process)


def test_a_dead_drivers_successor_takes_over_at_once(tmp_path):
    killed(holder(tmp_path))
    with lease(tmp_path).held():
        assert json.loads((tmp_path / FILE).read_text())["who"] == whoami()
    assert (tmp_path / FILE).read_text() == ""
    with lease(tmp_path).held():
        pass


def test_two_studies_do_not_hinder_each_other(tmp_path):
    with lease(tmp_path / "a").held(), lease(tmp_path / "b").held():
        pass


def test_a_ledger_in_sqlite_has_one_driver_a_study_wherever_its_home_is(tmp_path):
    url = f"sqlite:///{tmp_path}/shared.db"
    with lease("memory://bucket/one", url).held():
        for home in ("memory://bucket/one", tmp_path / "two"):
            with pytest.raises(UserError, match="mine: the study is being run by"), lease(home, url).held():
                pass
        with Lease("other", Home("memory://bucket/one"), sqlalchemy.create_engine(url)).held():
            pass
    with lease(tmp_path, url).held():
        assert sorted(path.name for path in tmp_path.iterdir()) == [FILE, "shared.db.mine.lock", "shared.db.other.lock", "two"]


def test_a_database_without_a_lock_is_refused_where_the_home_has_none(tmp_path):
    engine = sqlalchemy.create_mock_engine("mysql://host/db", executor=print)
    engine.url = sqlalchemy.engine.make_url("mysql://host/db")
    with pytest.raises(UserError, match="the ledger must be in PostgreSQL, or for one machine in SQLite, got mysql"):
        Lease("mine", Home("memory://bucket/one"), engine).held().__enter__()


def test_a_user_without_a_name_is_named_by_number(monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: {}["getpwuid(): uid not found: 12345"])
    assert whoami().startswith(f"user {os.getuid()}@")


def test_a_driver_of_another_role_is_refused_in_a_line(tmp_path, postgres):
    """PostgreSQL hides its times."""
    url = with_driver(postgres.url)
    admin = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as session:
        session.execute(sqlalchemy.text("CREATE ROLE bob LOGIN PASSWORD 'secret'"))
    process = holder(tmp_path / "one", url)
    other = lease(tmp_path / "two", admin.url.set(username="bob", password="secret"))  # noqa: S106 a test's
    with pytest.raises(UserError, match=r"mine: the study is being run by .* since now"), other.held():
        pass
    killed(process)
    with admin.connect() as session:
        session.execute(sqlalchemy.text("DROP ROLE bob"))
    for engine in (admin, other.engine):
        engine.dispose()


def test_a_ledger_in_postgresql_has_one_driver_whatever_its_home(tmp_path, postgres):
    url = with_driver(postgres.url)
    process = holder(tmp_path / "one", url)
    other = lease(tmp_path / "two", url)
    words = rf"mine: the study is being run by .*process {process.pid} since \d{{4}}-"
    with pytest.raises(UserError, match=words), other.held():
        pass
    killed(process)
    with lease(tmp_path / "two", url).held() as held:
        held.renew()
    other.engine.dispose()


def test_the_lease_of_a_server_that_was_away_is_taken_again_unless_another_has_it(tmp_path, postgres):
    first = lease(tmp_path / "one", with_driver(postgres.url))
    with first.held():
        postgres.kill()
        with pytest.raises(sqlalchemy.exc.OperationalError):
            first.renew()
        postgres.start()
        first.renew()
        postgres.kill()
        postgres.start()
        process = holder(tmp_path / "two", with_driver(postgres.url))
        with pytest.raises(UserError, match=f"process {process.pid}"):
            first.renew()
        killed(process)
    first.engine.dispose()
