import numpy as np
import pytest

from trainables.data.splits import held_out, long_tail, stratified, subset, with_label_noise
from trainables.draws import stream

LABELS = np.repeat(np.arange(4), [10, 20, 30, 5])


def test_a_stratified_part_holds_the_share_of_every_class():
    part, rest = stratified(LABELS, 0.2, stream(0, "test"))
    assert np.bincount(LABELS[part]).tolist() == [2, 4, 6, 1]
    assert np.bincount(LABELS[rest]).tolist() == [8, 16, 24, 4]


def test_the_two_parts_are_disjoint_sorted_and_together_everything():
    part, rest = stratified(LABELS, 0.3, stream(0, "test"))
    assert np.sort(np.concatenate([part, rest])).tolist() == list(range(65))
    assert (np.diff(part) > 0).all()
    assert (np.diff(rest) > 0).all()


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_both_parts_have_every_class_at_extreme_shares(share):
    part, rest = stratified(LABELS, share, stream(0, "test"))
    assert set(LABELS[part]) == set(LABELS[rest]) == {0, 1, 2, 3}


def test_a_class_with_one_example_cannot_be_split():
    with pytest.raises(ValueError, match="class 1 must have at least 2 examples to be split, it has 1"):
        stratified(np.array([0, 0, 1]), 0.5, stream(0, "test"))


def test_another_seed_gives_another_part_and_the_same_seed_the_same():
    parts = [stratified(LABELS, 0.5, stream(seed, "test"))[0].tolist() for seed in (0, 0, 1)]
    assert parts[0] == parts[1] != parts[2]


def test_a_small_fraction_lies_within_a_larger_one():
    small, large = subset(LABELS, 0.2, seed=3), subset(LABELS, 0.6, seed=3)
    assert set(small) < set(large)
    assert np.bincount(LABELS[small]).tolist() == [2, 4, 6, 1]


@pytest.mark.parametrize("fraction", [0.95, 1.0])
def test_a_fraction_near_one_keeps_even_the_smallest_class_whole(fraction):
    assert np.bincount(LABELS[subset(LABELS, fraction, seed=0)])[3] == 5


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.37, 1.0])
def test_label_noise_makes_exactly_its_share_of_the_labels_wrong(noise):
    noisy = with_label_noise(LABELS, 4, noise, seed=0)
    assert np.count_nonzero(noisy != LABELS) == round(noise * 65)
    assert set(noisy) <= {0, 1, 2, 3}


def test_label_noise_leaves_the_given_labels_alone():
    before = LABELS.copy()
    with_label_noise(LABELS, 4, 0.5, seed=0)
    assert LABELS.tolist() == before.tolist()


def test_label_noise_goes_evenly_to_the_other_classes():
    noisy = with_label_noise(np.zeros(30_000, np.int64), 4, 1.0, seed=0)
    counts = np.bincount(noisy, minlength=4)
    assert counts[0] == 0
    assert np.abs(counts[1:] - 10_000).max() < 4 * np.sqrt(30_000 * 2 / 9)  # four standard deviations


def test_more_noise_contains_the_flips_of_less():
    less, more = with_label_noise(LABELS, 4, 0.1, seed=5), with_label_noise(LABELS, 4, 0.4, seed=5)
    flipped = less != LABELS
    assert (more[flipped] == less[flipped]).all()


def test_pairwise_noise_takes_the_next_class_of_the_same_examples():
    symmetric, pairwise = (with_label_noise(LABELS, 4, 0.3, seed=0, kind=kind) for kind in ("symmetric", "pairwise"))
    assert ((symmetric != LABELS) == (pairwise != LABELS)).all()
    flipped = pairwise != LABELS
    assert (pairwise[flipped] == (LABELS[flipped] + 1) % 4).all()


def test_a_long_tail_has_the_counts_of_its_formula():
    y = np.repeat(np.arange(5), 1000)
    tail = long_tail(y, 100, seed=0)
    assert np.bincount(y[tail]).tolist() == [1000, 316, 100, 32, 10]  # 1000 * 100^(-c/4)


def test_a_class_smaller_than_its_place_in_the_tail_stays_whole():
    y = np.repeat(np.arange(3), [100, 5, 100])
    assert np.bincount(y[long_tail(y, 4, seed=0)]).tolist() == [100, 5, 25]


def test_a_longer_tail_lies_within_a_shorter_one():
    y = np.repeat(np.arange(5), 100)
    assert set(long_tail(y, 50, seed=1)) < set(long_tail(y, 5, seed=1))


def test_held_out_examples_leave_a_class_of_one_example_in_the_rest():
    y = np.array([0, 0, 0, 1])
    part, rest = held_out(y, 0.5, stream(0, "probe"))
    assert y[part].tolist() == [0, 0]
    assert sorted([*part, *rest]) == [0, 1, 2, 3]
    assert 3 in rest
