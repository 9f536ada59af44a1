"""Confirming each method's best: who is trained, with which seeds, and what is not trained twice."""

import numpy as np
import pytest

from altiplano.confirm import each
from altiplano.main import AT_FAULT, run
from analysis.ranking import ranking
from analysis.table import load
from search.fresh import FRESH
from tests.analysis import synthetic

COUNTS = {"erm": 1, "mixup": 6, "sam": 6}


@pytest.fixture
def asked(monkeypatch):
    """What the search is asked to train."""
    found = {}
    monkeypatch.setattr("search.confirm", lambda name, wanted, home, **rest: found.update(wanted))
    return found


def test_each_methods_best_gets_the_same_fresh_seeds(tmp_path, asked):
    synthetic.study(tmp_path / "digits", COUNTS)
    said = []
    each("digits", str(tmp_path), 4, "guarantee", None, None, lambda event: None, said.append)
    frame = ranking(load(str(tmp_path / "digits"))).frame
    best = [(method, frame.loc[frame["method"] == method, "configuration"].iloc[0]) for method in COUNTS]
    assert asked == {entry: range(FRESH, FRESH + 4) for entry in best}
    assert said == ["the best of each of 3 methods: 12 more members on the test split"]


def test_where_all_have_their_seeds_nothing_is_trained(tmp_path, asked):
    synthetic.study(tmp_path / "before", COUNTS)
    frame = ranking(load(str(tmp_path / "before"))).frame.groupby("method").head(1)
    best = dict.fromkeys(zip(frame["method"], frame["configuration"].map(np.int64), strict=True), 4)
    synthetic.study(tmp_path / "digits", COUNTS, confirm=best)
    said = []
    assert each("digits", str(tmp_path), 4, "guarantee", None, None, lambda event: None, said.append) is None
    assert asked == {}
    assert said == ["the best of each of 3 methods has 4 fresh seeds"]


def test_each_and_top_are_refused_together(tmp_path, capsys):
    synthetic.study(tmp_path / "digits", COUNTS)
    assert run(["confirm", "digits", "--home", str(tmp_path), "--each", "--top", "2"]) == AT_FAULT
    assert "leave one out" in capsys.readouterr().err
