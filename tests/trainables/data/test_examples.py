import torch

from trainables.data.examples import Data, Examples
from trainables.data.load import load


def some():
    store = torch.arange(40.0).reshape(10, 4)
    return Examples(store, torch.arange(10) % 3, torch.arange(10) % 2)


def test_examples_of_examples_are_rows_of_one_store():
    part = some()[torch.tensor([7, 2, 5])][torch.tensor([2, 0])]
    assert part.store.data_ptr() == part[torch.tensor([0])].store.data_ptr()
    assert part.x[:, 0].tolist() == [20.0, 28.0]
    assert part.y.tolist() == [2, 1]
    assert part.group.tolist() == [1, 1]
    assert len(part) == 2


def test_inputs_are_gathered_in_the_shape_of_the_indices():
    part = some()[torch.tensor([7, 2, 5])]
    found = part.inputs(torch.tensor([[0, 1], [2, 2]]))
    assert found.shape == (2, 2, 4)
    assert found[..., 0].tolist() == [[28.0, 8.0], [20.0, 20.0]]


def test_some_examples_are_of_all_classes_though_the_split_is_sorted_by_class():
    y = torch.arange(4).repeat_interleave(250)
    sorted_by_class = Examples(torch.arange(1000.0)[:, None], y, torch.zeros_like(y))
    assert sorted_by_class.spaced(64).y.bincount().tolist() == [16] * 4
    assert sorted_by_class.spaced(3).x.flatten().tolist() == [0, 333, 666]
    for most in (1000, 2000):
        assert sorted_by_class.spaced(most).x.equal(sorted_by_class.x)
    assert len(sorted_by_class[torch.arange(0)].spaced(64)) == 0


def test_blocks_are_all_inputs_in_order():
    part = some()[torch.tensor([9, 8, 1, 0, 4])]
    blocks = list(part.blocks(2))
    assert [len(block) for block in blocks] == [2, 2, 1]
    assert torch.cat(blocks).equal(part.x)


def test_on_a_device_the_training_splits_share_one_store_of_what_they_use():
    data = load("digits", fraction=0.3)
    placed = data.to("cpu")
    assert len(placed.train.store) == len(data.train)
    assert placed.train.store is placed.rest.store is placed.probe.store
    for split in ("train", "rest", "probe"):
        before, after = getattr(data, split), getattr(placed, split)
        assert before.x.equal(after.x)
        assert before.y.equal(after.y)


def test_training_splits_of_separate_stores_are_placed_one_by_one():
    one, two = some(), some()
    data = Data(one, two, one, one, one, ("a", "b", "c"), ("all",), (4,))
    assert data.to("cpu").rest.x.equal(two.x)
