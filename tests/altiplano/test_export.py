"""An exported configuration is the one that the report leads with, as a study file that may be launched again."""

from pathlib import Path

import numpy as np
import pytest

from altiplano.export import as_method, export
from altiplano.main import AT_FAULT, run
from analysis.ranking import rank
from analysis.table import load
from search.errors import UserError
from search.page import Group
from search.searcher import job
from search.study import Study
from tests.analysis import synthetic
from trainables.job import Configuration

TEXT = """\
name: mine
scenario: {name: contrastive, host: moco, temperature: 0.1}
data: {name: digits, augment: {shift: 1}}
net: {name: cnn}
methods: {mixup: {}}
"""
EQUAL = {"mean": 0.5, "tail": 0.5}
NUMBERS = {"alpha": 0.5, "mix_weight": 0.7, "lr": 0.1, "weight_decay": 0.0, "label_smoothing": 0.0}


def chosen_of(study, number, method="mixup"):
    """A configuration of a study, as an export trains it."""
    return job(study, Group("export", method, (Configuration(number, NUMBERS),), (0,)), "home")


@pytest.fixture
def untrained(monkeypatch):
    """Nothing is trained: the files of an export are left out."""
    monkeypatch.setattr("altiplano.export.files", lambda chosen, data: {})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A study of six mixups whose race turned the search's order around, and the same study before."""
    folder = tmp_path_factory.mktemp("homes")
    world = synthetic.World(examples=120, epochs=3)
    synthetic.study(folder / "before", {"erm": 1, "mixup": 6}, world)
    order = rank(load(str(folder / "before")), "mean")
    worst = [int(number) for number in order.loc[order["method"] == "mixup", "configuration"].iloc[-2:]]
    synthetic.study(folder / "digits", {"erm": 1, "mixup": 6}, world, confirm={("mixup", number): 5 for number in worst})
    return folder


def test_a_configuration_trained_without_labels_keeps_its_scenario():
    study = Study.parse(TEXT)
    again = Study.parse(as_method(study, chosen_of(study, 3)))
    assert again.scenario == study.scenario
    assert again.spaces["mixup"].numbers({}) == NUMBERS


def test_what_is_exported_is_of_the_same_precision_and_has_a_name_that_a_study_may_have():
    study = Study.parse(f"name: {'n' * 40}\nmethods: {{{'m' * 30}: {{mixing: mixup}}}}\nprecision: float64\n")
    numbers = {"alpha": 0.5, "lr": 0.1, "weight_decay": 0.0, "label_smoothing": 0.0}
    again = Study.parse(as_method(study, job(study, Group("export", "m" * 30, (Configuration(17, numbers),), (0,)), "home")))
    assert again.precision == "float64"
    assert again.name == f"{'n' * 40}-{'m' * 19}-17"


def test_a_folder_that_cannot_be_written_is_said_before_the_training(home, monkeypatch):
    monkeypatch.setattr("altiplano.export.files", lambda chosen, data: pytest.fail("it was trained"))
    with pytest.raises(UserError, match="--out must be a folder that can be written, /proc/none cannot"):
        export("digits", str(home), 1, "guarantee", EQUAL, 0, Path("/proc/none"))


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("rule", ["guarantee", "oracle"])
def test_after_a_race_what_leads_the_report_is_exported_and_not_the_searchs_first(home, tmp_path, rule):
    table = load(str(home / "digits"))
    leading = rank(table.confirmed, rule if rule != "oracle" else "mean").iloc[0]
    _, chosen, among = export("digits", str(home), 1, rule, EQUAL, 0, tmp_path)
    assert (chosen.method, chosen.configurations[0].number) == ("mixup", leading["configuration"])
    assert tuple(leading[["method", "configuration"]]) != tuple(rank(table).iloc[0][["method", "configuration"]])
    key = table.configurations.index[
        (table.configurations["method"] == "mixup") & (table.configurations["configuration"] == leading["configuration"])
    ][0]
    assert chosen.configurations[0].numbers["alpha"] == table.knobs.loc[key, "alpha"]
    assert among == "2 configurations confirmed"
    with pytest.raises(UserError, match="--rank must lie between 1 and 2, one of the 2 configurations confirmed, got 3"):
        export("digits", str(home), 3, rule, EQUAL, 0, tmp_path)


@pytest.mark.usefixtures("untrained")
def test_before_a_race_ranks_are_the_searchs(home, tmp_path):
    ranked = rank(load(str(home / "before")))
    for place in (0, 4):
        _, chosen, among = export("before", str(home), place + 1, "guarantee", EQUAL, 0, tmp_path)
        assert (chosen.method, chosen.configurations[0].number) == tuple(ranked.iloc[place][["method", "configuration"]])
    assert among == "7 configurations ranked"


@pytest.mark.usefixtures("untrained")
def test_weights_turn_the_order_of_what_is_exported(home, tmp_path):
    table = load(str(home / "before"))
    firsts = {weights: rank(table, "guarantee", dict(weights)) for weights in ((("mean", 1.0),), (("tail", 1.0),))}
    assert len({tuple(frame["configuration"].astype(int)) for frame in firsts.values()}) == 2
    for weights, frame in firsts.items():
        place = int(np.flatnonzero(frame["method"] == "mixup")[0])
        _, chosen, _ = export("before", str(home), place + 1, "guarantee", dict(weights), 0, tmp_path)
        assert chosen.configurations[0].number == frame.iloc[place]["configuration"]


def test_a_rank_of_none_is_refused_before_anything_is_read(capsys):
    assert run(["confirm", "digits", "--top", "0"]) == AT_FAULT
    assert "--top" in capsys.readouterr().err


def test_how_a_configuration_was_trained_is_kept_whole():
    own = "precision: float64\ncompile: true\ngroup: 3\nretries: 5\nresources: {cpu: 2}\ntail: cvar(0.2)\nstorage: {checkpoint_epochs: 2}\n"
    study = Study.parse(TEXT + own)
    again = Study.parse(as_method(study, chosen_of(study, 3)))
    for part in Study.model_fields.keys() - {"name", "methods", "training", "seed", "budget", "sampler", "halving", "ledger", "earlier"}:
        assert getattr(again, part) == getattr(study, part), part
