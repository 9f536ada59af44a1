"""Confirming each method's best: who is trained, with which seeds, and what is not trained twice."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from altiplano.confirm import each, race
from altiplano.main import AT_FAULT, run
from analysis.ranking import ranking
from analysis.table import load
from search import SearchFailed
from search.fresh import FRESH
from tests.analysis import synthetic

COUNTS = {"erm": 1, "mixup": 6, "sam": 6}


@pytest.fixture
def asked(monkeypatch):
    """What the search is asked to train."""
    found = {}
    monkeypatch.setattr("search.confirm", lambda name, wanted, home, **rest: found.update(wanted) or SimpleNamespace(stopped=False))
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


def test_as_many_race_as_cannot_be_told_apart_unless_the_study_or_the_user_says_how_many(tmp_path, asked):
    """Here the first ranked hold ten that cannot be told apart, and the rule sets thirteen of the 25 aside."""
    synthetic.study(tmp_path / "digits", {"erm": 1, "mixup": 24}, synthetic.World(epochs=3, entropy=3))
    frame = ranking(load(str(tmp_path / "digits"))).frame
    assert (int(frame["indistinguishable"].sum()), int(frame["kept"].sum())) == (10, 12)
    assert entrants_of(tmp_path, asked) == set(zip(*frame.loc[frame["kept"], ["method", "configuration"]].to_numpy().T, strict=True))
    assert len(entrants_of(tmp_path, asked, top=2) - {("erm", 0)}) == 2
    file = tmp_path / "digits" / "study.yaml"
    file.write_text(file.read_text() + "confirm: {top: 3, seeds: 10}\n")
    assert len(entrants_of(tmp_path, asked) - {("erm", 0)}) == 3
    assert len(entrants_of(tmp_path, asked, top=4) - {("erm", 0)}) == 4


def test_weights_choose_who_races(tmp_path, asked):
    synthetic.study(tmp_path / "digits", {"erm": 1, "mixup": 24}, synthetic.World(examples=120, epochs=3, entropy=7))
    table = load(str(tmp_path / "digits"))
    found = {}
    for weights in ({"mean": 1.0}, {"tail": 1.0}):
        frame = ranking(table, "guarantee", weights).frame
        first = frame[frame["method"] == "mixup"].iloc[0]
        raced = entrants_of(tmp_path, asked, top=2, weights=weights)
        assert ("mixup", first["configuration"]) in raced
        found[next(iter(weights))] = raced
    assert found["mean"] != found["tail"]


def test_who_cannot_be_trained_leaves_the_race_and_the_others_go_on(tmp_path, monkeypatch):
    """The first entrant is lost in the first round, with no score: the others have five fresh seeds each."""
    world = synthetic.World(epochs=3)
    synthetic.study(tmp_path / "digits", COUNTS, world)
    rounds, said = [], []

    def trained(name, wanted, home, **rest):
        rounds.append({entry: len(seeds) for entry, seeds in wanted.items()})
        first = rounds[0]
        left = {entry: max(one.get(entry, 0) for one in rounds) for entry in list(first)[1:]}
        shutil.rmtree(tmp_path / "digits")
        synthetic.study(tmp_path / "digits", COUNTS, world, confirm=left)
        return SimpleNamespace(stopped=False)

    monkeypatch.setattr("search.confirm", trained)
    race("digits", str(tmp_path), 3, 7, "guarantee", None, None, lambda event: None, said.append)
    lost, *others = rounds[0]
    assert set(rounds[0].values()) == {5}
    assert f"out: {lost[0]} {lost[1]}, which could not be trained; `altiplano status digits` says why" in said
    assert all(lost not in later for later in rounds[1:])
    assert len(others) >= 2
    assert said[-1].startswith("the race is over")


def entrants_of(folder, asked, top=None, **more):
    """Who is asked to train in the first round of a race; nothing comes of it, which ends the race as failed."""
    asked.clear()
    said = []
    with pytest.raises(SearchFailed, match="no member of this round could be trained"):
        race("digits", str(folder), top, None, "guarantee", None, None, lambda event: None, said.append, **more)
    assert said[0] == f"{len(asked)} configurations race, with {10 * len(asked)} members on the test split at most; --top sets how many"
    return set(asked)
