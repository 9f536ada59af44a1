import sys
from pathlib import Path

import pytest

from search import Study
from search.errors import UserError
from search.parcel import FILE, PACKAGES, parcel, remote_home
from tests.search import fakes


def test_study_code_and_files_of_the_user_are_shipped_and_gone_afterwards(tmp_path):
    (tmp_path / "mine.py").write_text("x = 1\n")
    study = fakes.study()
    with parcel(study, [tmp_path / "mine.py"]) as folder:
        assert {one.name for one in folder.iterdir()} == {FILE, "mine.py", *PACKAGES}
        assert Study.read(folder / FILE).name == study.name
        assert (folder / "altiplano/__main__.py").is_file()
        assert not list(folder.rglob("*.pyc"))
    assert not folder.exists()


def test_the_modules_that_a_study_names_are_shipped_without_being_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    (tmp_path / "spiky.py").write_text("from trainables.criterion.tilted import tilted\n")
    (tmp_path / "numbers.csv").write_text("1\n")
    study = fakes.study(methods={"mine": {"criterion": "spiky:tilted"}})
    for others in ([tmp_path / "numbers.csv"], [Path("spiky.py"), Path("numbers.csv")]):
        with parcel(study, others) as folder:
            assert {one.name for one in folder.iterdir()} == {FILE, "spiky.py", "numbers.csv", *PACKAGES}
    (tmp_path / "other").mkdir()
    (tmp_path / "other/spiky.py").write_text("")
    with pytest.raises(UserError, match=r"the name spiky\.py is taken"), parcel(study, [tmp_path / "other/spiky.py"]):
        pass


def test_what_cannot_be_shipped_is_refused_by_name(tmp_path):
    (tmp_path / "search").mkdir()
    with (
        pytest.raises(UserError, match=r"nowhere\.py: there is no such file"),
        parcel(fakes.study(), [tmp_path / "nowhere.py"]),
    ):
        pass
    with pytest.raises(UserError, match="the name search is taken"), parcel(fakes.study(), [tmp_path / "search"]):
        pass


@pytest.mark.parametrize(
    ("home", "told"),
    [("~/studies", "$HOME/studies"), ("/mnt/studies", "/mnt/studies"), ("s3://bucket/studies", "s3://bucket/studies")],
)
def test_a_home_is_the_clusters_own(home, told):
    assert remote_home(home) == told


def test_a_home_that_depends_on_a_folder_is_refused():
    with pytest.raises(UserError, match=r"--home must be the cluster's: .*, got 'studies-home'"):
        remote_home("studies-home")
