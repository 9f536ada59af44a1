"""A group that is replayed goes where the mapped one goes."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from tests.contract.small import data, gap, numbers, preset, rows, setting, trained
from trainables import methods, tree
from trainables.engine import checkpoint, pace, shelf
from trainables.engine.loop import Run
from trainables.job import Configuration, Job
from trainables.optimizer import adamw, sgd
from trainables.training import TRAINING


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


def test_more_small_members_are_replayed_together_than_large_ones_to_the_same_weights(monkeypatch):
    method = preset("erm")
    members, shared = rows(method, 1, 36), setting(method, on="mlp", recorded=True)
    together = trained(shared, members, epochs=1)
    monkeypatch.setattr(pace, "SMALL", 20 * tree.nbytes(together.group.model.params) // 36)
    some = trained(shared, members, epochs=1)
    monkeypatch.setattr(pace, "SMALL", 0)
    few = trained(shared, members, epochs=1)
    assert [[part.rows.stop for part in run._pace._parts] for run in (together, some, few)] == [[36], [18, 36], [12, 24, 36]]
    assert max(gap(together.group, run.group) for run in (some, few)) < 1e-12


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


@pytest.fixture
def recorded(monkeypatch):
    """Numbers of rows of which a step has been recorded; the process' shelf is a fresh one."""
    sizes = []

    class Counted(pace.Tape):
        def __init__(self, function, state, inputs):
            sizes.append(next(iter(state.model.params.values())).shape[0])
            super().__init__(function, state, inputs)

    monkeypatch.setattr(pace, "Tape", Counted)
    monkeypatch.setattr(pace, "SHELF", shelf.Shelf())
    return sizes


TRAINED = {**TRAINING, "epochs": 30, "batch": 32}


def job(method, seeds, **changes):
    axes = methods.PRESETS[method]
    numbers_ = numbers(methods.make(axes))
    plain = {"study": "", "home": "", "group": "", "method": method, "axes": axes._asdict(), "seeds": seeds, "training": TRAINED}
    plain |= {"configurations": [Configuration(0, numbers_)], "data": {"name": "digits"}, "net": {"name": "mlp", "width": 6}}
    return Job(**{**plain, **changes})


def ended(one, epochs=2):
    run = Run.begin(one.setting(data()), data(), one.rows())
    for _ in range(epochs):
        run.train_epoch()
    return run.group


def test_a_group_after_another_of_its_kind_is_replayed_from_the_recording_that_there_is_to_the_same_bits(recorded):
    first = ended(job("looksam", [0, 1]))
    assert recorded == [2, 2], "one for each kind of step"
    second = ended(job("looksam", [3, 4]))
    assert recorded == [2, 2]
    pace.SHELF = shelf.Shelf()
    assert gap(ended(job("looksam", [3, 4])), second) == 0
    assert gap(ended(job("looksam", [0, 1])), first) == 0
    assert gap(first, second) > 0


def test_groups_of_a_kind_in_two_threads_do_not_write_into_one_recording(recorded):
    alone = [ended(job("sam", seeds), 20) for seeds in ([0, 1], [3, 4])]
    with ThreadPoolExecutor(2) as threads:
        together = list(threads.map(lambda seeds: ended(job("sam", seeds), 20), ([0, 1], [3, 4])))
    assert [gap(one, other) for one, other in zip(alone, together, strict=True)] == [0, 0]


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": [0]},
        {"net": {"name": "mlp", "width": 7}},
        {"net": {"name": "mlp", "width": 6, "norm": "none"}},
        {"training": {**TRAINING, "epochs": 30, "batch": 31}},
        {"training": {**TRAINING, "epochs": 30, "batch": 32, "nesterov": True}},
        {"axes": methods.PRESETS["asam"]._asdict()},
        {"precision": "float64"},
    ],
    ids=str,
)
def test_a_group_of_another_kind_is_recorded_by_itself(recorded, changes):
    ended(job("sam", [0, 1]))
    ended(job("sam", **{"seeds": [0, 1], **changes}))
    assert len(recorded) == 2


def test_recordings_are_kept_as_far_as_there_is_room():
    class Sized(pace.Tape):
        def __init__(self, size):
            self.size = size

        def nbytes(self):
            return self.size

    kept, made = shelf.Shelf(room=10), []
    for key, size in [("a", 4), ("b", 4), ("a", 4), ("c", 4), ("a", 4), ("b", 4), ("d", 11), ("d", 11)]:
        assert kept.tape(key, lambda key=key, size=size: made.append(key) or Sized(size)).size == size
    assert made == ["a", "b", "c", "b", "d", "d"], "b was used longest ago when c came, and what has no room at all is not kept"
