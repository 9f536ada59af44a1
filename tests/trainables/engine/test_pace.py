"""A group that is replayed goes where the mapped one goes."""

import dataclasses

import pytest
import torch

from tests.contract.small import data, gap, preset, rows, setting, trained
from trainables import tree
from trainables.engine import checkpoint, pace
from trainables.engine.loop import Run
from trainables.optimizer import adamw, sgd


@pytest.mark.parametrize(("rows_", "most", "sizes"), [(40, 8, [8] * 5), (25, 8, [6, 6, 6, 7]), (3, 8, [3]), (3, 1, [1, 1, 1])])
def test_parts_are_few_and_about_equal(rows_, most, sizes):
    found = pace.parts(rows_, most)
    assert sorted(part.stop - part.start for part in found) == sizes
    assert [row for part in found for row in range(rows_)[part]] == list(range(rows_))


@pytest.mark.parametrize("optimizer", [sgd(0.9), sgd(0.9, nesterov=True), adamw()])
@pytest.mark.parametrize("chunk", [None, 4])
def test_a_replayed_group_equals_a_mapped_one(optimizer, chunk):
    method = preset("g-mix")
    members = rows(method, 3, 2)
    shared = dataclasses.replace(setting(method, on="mlp", recorded=False), optimizer=optimizer)
    mapped = trained(shared, members)
    replayed = trained(dataclasses.replace(shared, recorded=True, chunk=chunk), members)
    assert gap(mapped.group, replayed.group) < 1e-12
    for one, other in zip(mapped.curves, replayed.curves, strict=True):
        assert other == {name: pytest.approx(values, rel=1e-10) for name, values in one.items()}


def test_rows_that_leave_change_nothing_for_those_that_stay():
    method = preset("lets-sam")
    members = rows(method, 3, 2)
    shared = setting(method, on="mlp", recorded=True, chunk=4)
    pruned = trained(shared, members, epochs=1)
    pruned.keep([4, 1, 0])
    pruned.train_epoch()
    assert gap(pruned.group, tree.take(trained(shared, members).group, torch.tensor([4, 1, 0]))) < 1e-12


def test_a_method_with_turns_has_a_recording_of_each_kind_of_step():
    method = preset("looksam")
    run = trained(setting(method, recorded=True), rows(method, 1, 2))
    kinds = {pace.phase(method, turn) for turn in range(20)}
    assert len(kinds) == 2
    assert len(run._pace._tapes) == 2


def test_recordings_of_sizes_that_no_longer_occur_are_let_go_of():
    method = preset("erm")
    run = trained(setting(method, recorded=True, chunk=2), rows(method, 1, 4), epochs=1)
    run.keep([0])
    run.train_epoch()
    assert [size for size, _ in run._pace._tapes] == [1]


def test_a_group_that_somebody_else_holds_stays_as_it_was():
    method = preset("erm")
    run = Run.begin(setting(method, recorded=True), data(), rows(method, 1, 2))
    held = run.group
    before = tree.map(torch.clone, held)
    run.train_epoch()
    assert gap(held, before) == 0
    assert gap(run.group, before) > 0


def test_a_replayed_run_taken_up_from_its_checkpoint_equals_one_never_interrupted():
    method = preset("g-mix")
    members, shared = rows(method, 2, 2), setting(method, recorded=True)
    whole, half = trained(shared, members), trained(shared, members, epochs=1)
    resumed, _ = checkpoint.unpack(checkpoint.pack(half), shared, data(), members)
    resumed.train_epoch()
    assert gap(resumed.group, whole.group) == 0


def test_long_runs_on_a_cpu_are_replayed():
    method = preset("erm")
    short = trained(setting(method), rows(method, 1, 1), epochs=1)
    long = trained(setting(method, epochs=pace.RECORDED_FROM), rows(method, 1, 1), epochs=1)
    assert (short._pace.recorded, long._pace.recorded) == (False, True)
    assert not pace.pays("cuda", 10**6)
