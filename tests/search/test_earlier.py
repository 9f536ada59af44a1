import pytest

from search.earlier import collect, recall, remember
from search.errors import UserError
from search.ledger import Ledger
from search.storage import connect
from tests.search import fakes
from tests.search.test_searcher import Search
from trainables.home import Home


def finished(folder):
    """An earlier study with twenty configurations of each method, and its storage."""
    asked = fakes.study(name="before", budget={"configurations": 20})
    Search(folder, asked).finish()
    return asked, connect(f"sqlite:///{folder}/ledger.db")


def test_what_an_earlier_study_found_teaches_the_sampler_from_the_first_configuration(tmp_path):
    earlier, storage = finished(tmp_path)
    (tmp_path / "new").mkdir()
    home = Home(str(tmp_path / "new"))
    study = fakes.study(**{"from": "before", "budget": {"configurations": 8}})
    remember(home, collect(study, earlier, storage))
    scores = {}
    for name, known in (("cold", {}), ("warm", recall(home))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ledger.db").write_bytes(fakes.empty())
        ledger = Ledger(study, connect(f"sqlite:///{tmp_path}/{name}/ledger.db"), earlier=known)
        found = [one.numbers for one in ledger.ask("mixup", 8).configurations]
        scores[name] = sum(map(fakes.score, found)) / 8
        assert len(ledger.pages["mixup"].entries) == 8
    assert scores["warm"] > scores["cold"]


def test_only_methods_with_the_same_axes_and_the_same_objectives_are_learnt_from(tmp_path):
    earlier, storage = finished(tmp_path)
    other = fakes.study(methods={"mixup": {}, "cvar": {}})
    assert set(collect(other, earlier, storage)) == {"erm", "mixup"}
    with pytest.raises(UserError, match="from: before's objectives must be this study's"):
        collect(fakes.study(objectives=["accuracy"]), earlier, storage)


def test_without_an_earlier_study_there_is_nothing_to_recall(tmp_path):
    assert recall(Home(str(tmp_path))) == {}
