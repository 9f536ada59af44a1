"""Trees: structure kept, names found again, norms joint over all leaves."""

from typing import NamedTuple

import pytest
import torch

from trainables import tree


class Pair(NamedTuple):
    left: object
    right: object


def forest(scale=1.0):
    return Pair({"a": torch.tensor([3.0]) * scale, "b": {"c": torch.tensor([[4.0]]) * scale}}, (torch.tensor(0.0), {}))


def test_map_keeps_dicts_tuples_and_named_tuples():
    doubled = tree.map(lambda x, y: x + y, forest(), forest())
    assert isinstance(doubled, Pair)
    assert doubled.left["b"]["c"].item() == 8
    assert doubled.right[1] == {}


def test_what_is_one_tensor_stays_one_where_each_is_mapped_once():
    one, other = torch.ones(2), torch.ones(2)
    seen = []
    made = tree.map_once(lambda leaf: (seen.append(leaf), leaf + 1)[1], {"a": one, "b": (other, one)})
    assert made["a"] is made["b"][1]
    assert made["a"] is not made["b"][0]
    assert len(seen) == 2


def test_norm_and_dot_run_over_all_leaves_together():
    assert tree.norm(forest()).item() == 5
    assert tree.dot(forest(), forest(2.0)).item() == 50


def test_leaves_and_fill_are_inverse():
    flat = dict(tree.leaves(forest()))
    assert list(flat) == ["left/a", "left/b/c", "right/0"]
    filled = tree.fill(forest(0.0), flat)
    assert filled.left["a"].item() == 3
    with pytest.raises(KeyError, match="right/0"):
        tree.fill(forest(), {name: leaf for name, leaf in flat.items() if name != "right/0"})


def test_stack_and_take_are_inverse():
    both = tree.stack([forest(), forest(2.0)])
    assert tree.take(both, 1).left["a"].item() == 6
    assert tree.take(both, torch.tensor([1])).left["b"]["c"].shape == (1, 1, 1)


def test_add_scales_the_right_tree():
    assert tree.add(forest(), forest(), 0.5).left["b"]["c"].item() == 6
    assert tree.scale(forest(), 2.0).left["a"].item() == 6


def test_concat_puts_rows_one_after_the_other():
    both = tree.concat([tree.stack([forest()]), tree.stack([forest(2.0), forest(3.0)])])
    assert both.left["a"].flatten().tolist() == [3, 6, 9]


def test_nbytes_counts_every_leaf():
    assert tree.nbytes(forest()) == 12
