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
