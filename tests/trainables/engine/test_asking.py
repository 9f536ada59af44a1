"""What is replayed of a group between steps is what mapping finds."""

import pytest
import torch

from tests.contract.small import data, preset, rows, setting
from trainables import tree
from trainables.engine import asking, shelf
from trainables.engine.loop import Run


def judged(run):
    losses, predictions = run.evaluate(data().selection)
    return {"losses": torch.from_numpy(losses), "predictions": torch.from_numpy(predictions)} | {
        name: torch.tensor(values) for name, values in run.diagnose(data().train).items()
    }


def same(left, right):
    return all(torch.allclose(one, right[name], rtol=1e-5, atol=1e-9) for name, one in left.items())


def runs(name="g-mix", on="mlp", members=(2, 3), chunk=None):
    """A group whose questions are replayed, and one whose are mapped."""
    method = preset(name)
    shared = setting(method, on=on, recorded=False, chunk=chunk)
    found = [Run.begin(shared, data(), rows(method, *members)) for _ in range(2)]
    found[0]._replayed = asking.Replayed((chunk or 16) * shared.batch)
    found[1]._replayed = None
    return found


@pytest.mark.parametrize(("name", "on", "chunk"), [("g-mix", "mlp", None), ("g-mix", "mlp", 5), ("samix", "cnn", 8)])
def test_a_group_is_scored_and_diagnosed_by_replays_as_mapped_epoch_by_epoch(name, on, chunk):
    replayed, mapped = runs(name, on, chunk=chunk)
    for _ in range(2):
        found = judged(replayed)
        assert same(found, judged(mapped))
        replayed.train_epoch()
        mapped.train_epoch()
        assert not same(found, judged(replayed))


def test_a_group_that_is_changed_where_it_lies_is_asked_as_it_is_now():
    replayed, mapped = runs()
    judged(replayed)
    for run in (replayed, mapped):
        for _, leaf in tree.leaves(run.group.model.params):
            leaf.mul_(1.5)
    assert same(judged(replayed), judged(mapped))


def test_rows_that_have_left_are_not_asked():
    replayed, mapped = runs()
    judged(replayed)
    for run in (replayed, mapped):
        run.keep([4, 0])
    assert same(judged(replayed), judged(mapped))


def weights(member, shown):
    return member.model.params["w"] + shown.sum()


@pytest.fixture
def recorded(monkeypatch):
    """Numbers of rows that have been recorded; the process' shelf is a fresh one."""
    sizes = []

    class Counted(asking.Tape):
        def __init__(self, function, state, inputs):
            sizes.append(len(state.model.params["w"]))
            super().__init__(function, state, inputs)

    monkeypatch.setattr(asking, "Tape", Counted)
    monkeypatch.setattr(asking, "SHELF", shelf.Shelf())
    return sizes


def group(count):
    """Members with one weight, their number."""
    one = runs(members=(1, count))[1].group
    return one._replace(model=one.model._replace(params={"w": torch.arange(float(count))}))


def test_no_more_is_computed_at_a_time_than_asked_for(recorded):
    found = asking.Replayed(examples=30)(weights, group(7), torch.ones(10))
    assert found.tolist() == [10.0 + number for number in range(7)]
    assert recorded == [2, 3], "7 rows of 10 examples, 30 at a time"


def test_a_question_is_recorded_once_for_groups_of_one_origin_and_one_shape(recorded):
    first, members = asking.Replayed(1000, "one"), group(3)
    answers = [first(weights, members, number + torch.zeros(10)) for number in range(2)]
    assert [answer.tolist() for answer in answers] == [[0, 1, 2], [10, 11, 12]], "an answer is the asker's"
    assert asking.Replayed(1000, "one")(weights, group(3), torch.ones(10)).tolist() == [10, 11, 12]
    assert recorded == [3]
    asking.Replayed(1000, "two")(weights, group(3), torch.zeros(10))
    asking.Replayed(1000, "one")(weights, group(4), torch.zeros(10))
    asking.Replayed(1000, "one")(weights, group(3), torch.zeros(11))
    assert recorded == [3, 3, 4, 3]


@pytest.mark.parametrize(
    ("on", "changes", "replays"),
    [("mlp", {"epochs": 30}, True), ("mlp", {"epochs": 29}, False), ("cnn", {"epochs": 30}, False), ("mlp", {"recorded": True}, True)],
)
def test_long_runs_of_nets_without_maps_are_asked_by_replays(on, changes, replays):
    method = preset("erm")
    run = Run.begin(setting(method, on=on, **changes), data(), rows(method, 1, 1))
    run.evaluate(data().selection)
    assert (run._replayed is not None) == replays
