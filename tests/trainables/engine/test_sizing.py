"""How many members are computed together is decided by what trying them shows."""

import json

import pytest
import torch

from tests.contract.small import data, numbers, preset, setting
from trainables.engine import sizing
from trainables.engine.sizing import chosen, sized


def test_the_smallest_size_that_is_hardly_slower_than_the_fastest_is_chosen():
    assert chosen({1: 1.5, 2: 0.9, 4: 0.52, 8: 0.5, 16: 0.49}).members == 4
    assert chosen({1: 1.0, 2: 1.4}).members == 1
    assert chosen({1: 1.0, 2: 0.95}).members == 1


def test_the_choice_says_why():
    assert chosen({1: 1.5, 8: 0.5}).why == "8 members at a time: 0.5 ms a member's step, 1.5 alone"
    assert chosen({1: 52.0, 2: 71.0}).why == "one member at a time: 52 ms a step, 71 for each of 2"


@pytest.fixture
def trial(monkeypatch):
    """Sizes tried, and milliseconds to answer with."""

    class Trial:
        def __init__(self):
            self.sizes, self.answers = [], {1: 4.0, 4: 1.0, 16: 0.97, 64: 0.1}

        def __call__(self, run):
            self.sizes.append(len(run.rows))
            return self.answers[len(run.rows)]

    faked = Trial()
    monkeypatch.setattr(sizing, "_milliseconds", faked)
    return faked


def ask(file, name="erm", **changes):
    method = preset("erm")
    return sized(setting(method, on="mlp", **changes), data(), numbers(method), name, file)


def test_trying_ends_where_a_larger_size_has_gained_next_to_nothing(trial, tmp_path):
    assert ask(tmp_path / "sizes.json").members == 4
    assert trial.sizes == [1, 4, 16]


def test_no_more_are_tried_than_are_replayed_together(trial, tmp_path):
    trial.answers[16] = 0.5
    assert ask(tmp_path / "sizes.json").members == 16
    assert ask(tmp_path / "sizes.json", "mapped", recorded=False).members == 64
    assert trial.sizes == [1, 4, 16, 1, 4, 16, 64]


def test_trying_ends_before_memory_does(trial, tmp_path, monkeypatch):
    monkeypatch.setattr(sizing, "free_memory", lambda device: 1.0)
    assert ask(tmp_path / "sizes.json").members == 1
    assert trial.sizes == [1]


def test_trying_ends_when_it_has_taken_too_long(trial, tmp_path, monkeypatch):
    monkeypatch.setattr(sizing, "SECONDS", -1.0)
    assert ask(tmp_path / "sizes.json").milliseconds == {1: 4.0}


def test_what_was_found_is_remembered_by_method_and_device(trial, tmp_path):
    file = tmp_path / "new" / "sizes.json"
    first = ask(file)
    assert ask(file) == first
    assert len(trial.sizes) == 3
    ask(file, name="sam")
    ask(file, dtype=torch.float32)
    assert len(trial.sizes) == 9
    assert len(json.loads(file.read_text())) == 3


@pytest.mark.parametrize("content", ["", "{torn", "[]"])
def test_a_file_that_cannot_be_read_is_written_anew(trial, tmp_path, content):
    file = tmp_path / "sizes.json"
    file.write_text(content)
    assert ask(file).members == 4
    assert len(json.loads(file.read_text())) == 1


def test_a_cache_that_cannot_be_written_is_done_without(trial, tmp_path):
    (tmp_path / "file").write_text("")
    assert ask(tmp_path / "file" / "sizes.json").members == 4


@pytest.mark.parametrize("name", ["lets-sam", "synermix"])
def test_sizes_are_tried_on_real_steps(name, monkeypatch, tmp_path):
    monkeypatch.setattr(sizing, "SIZES", (1, 2))
    monkeypatch.setattr(sizing, "GAIN", 9.0)
    method = preset(name)
    found = sized(setting(method), data(), numbers(method), name, tmp_path / "sizes.json")
    assert set(found.milliseconds) == {1, 2}
    assert all(value > 0 for value in found.milliseconds.values())
