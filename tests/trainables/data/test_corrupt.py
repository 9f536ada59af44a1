import math

import numpy as np
import pytest

from tests.trainables.data.files import labels, pictures, write_images
from trainables.data import corrupt
from trainables.data.load import load
from trainables.draws import stream


def test_the_poisson_law_has_its_probabilities_cut_off_after_five():
    weights = np.array([math.exp(-1) / math.factorial(k) for k in range(6)])
    assert np.allclose(corrupt.shares("poisson(1)"), weights / weights.sum(), rtol=1e-12)
    assert np.array_equal(corrupt.shares("poisson"), corrupt.shares("poisson( 1.0 )"))
    assert corrupt.shares("poisson(2.5)") @ np.arange(6) > corrupt.shares("poisson(1)") @ np.arange(6)


def test_the_other_laws():
    assert corrupt.shares("none").tolist() == [1, 0, 0, 0, 0, 0]
    assert corrupt.shares(3).tolist() == [0, 0, 0, 1, 0, 0]
    assert np.allclose(corrupt.shares("uniform"), 1 / 6)


@pytest.mark.parametrize("law", ["poisson(0)", "poisson(-1)", 6, "heavy", "poisson(1"])
def test_a_law_that_is_none_is_refused(law):
    with pytest.raises(ValueError, match=r"must be none, a severity 0\.\.5, uniform or poisson"):
        corrupt.shares(law)


def test_every_class_gets_every_severity_by_its_share_to_within_one_example():
    y = labels(1000, 4)
    spread = corrupt.shares("poisson(1)")
    severity = corrupt.severities(y, spread, stream(0, "severity"))
    for label in range(4):
        counts = np.bincount(severity[y == label], minlength=6)
        assert counts.sum() == 250
        assert np.abs(counts - 250 * spread).max() < 1


def test_examples_left_over_go_to_the_largest_remainders():
    spread = np.array([0.58, 0.23, 0.19, 0, 0, 0])  # of ten examples 5.8, 2.3 and 1.9
    severity = corrupt.severities(np.zeros(10, np.int64), spread, stream(0, "severity"))
    assert np.bincount(severity, minlength=6).tolist() == [6, 2, 2, 0, 0, 0]


def test_severity_0_leaves_a_picture_bit_for_bit():
    for x in (pictures(20, 3, 8), pictures(20, 3, 8).astype(np.float32) / 255):
        severity = np.arange(20) % 2 * 3
        changed = corrupt.corrupt(x, severity, np.zeros(20, np.int64), ("gaussian_noise",), stream(0, "noise"))
        same = (changed == x).all((1, 2, 3))
        assert same.tolist() == (severity == 0).tolist()
        assert changed.dtype == x.dtype


def test_an_examples_noise_does_not_depend_on_the_other_severities():
    x = pictures(6, 1, 8)
    some, all_of_them = np.array([0, 0, 2, 0, 0, 0]), np.full(6, 2)
    zero = np.zeros(6, np.int64)
    one, many = (corrupt.corrupt(x, severity, zero, ("gaussian_noise",), stream(0, "noise")) for severity in (some, all_of_them))
    assert np.array_equal(one[2], many[2])


def test_float_and_byte_pictures_are_corrupted_alike():
    x, severity, kind = pictures(30, 1, 8), np.arange(30) % 6, np.arange(30) % 2
    kinds = ("blur", "gaussian_noise")
    as_bytes = corrupt.corrupt(x, severity, kind, kinds, stream(0, "noise"))
    as_floats = corrupt.corrupt((x / 255).astype(np.float32), severity, kind, kinds, stream(0, "noise"))
    assert np.array_equal(np.round(as_floats * 255).astype(np.uint8), as_bytes)


SPEC = {"kinds": ["blur", "gaussian_noise"], "train": "poisson(1)", "selection": "poisson(1)", "test": "uniform"}


def test_a_corrupted_data_set_has_its_severities_as_groups():
    clean, data = load("digits"), load("digits", corruption=SPEC)
    assert data.groups == tuple(f"severity {level}" for level in range(6))
    shares = np.bincount(data.train.group.numpy(), minlength=6) / len(data.train)
    assert np.abs(shares - corrupt.shares("poisson(1)")).max() < 0.01
    assert np.bincount(data.test.group.numpy(), minlength=6).min() > 50
    for split in ("train", "selection", "test"):
        before, after = getattr(clean, split), getattr(data, split)
        untouched = after.group == 0
        assert before.y.equal(after.y)
        assert before.x[untouched].equal(after.x[untouched])
        assert not before.x[~untouched].equal(after.x[~untouched])


def test_splits_without_a_law_stay_clean():
    data = load("digits", corruption={"kinds": "contrast", "test": 5})
    assert data.train.group.unique().tolist() == [0]
    assert data.test.group.unique().tolist() == [5]
    assert load("digits").train.x.equal(data.train.x)


def test_a_fraction_or_noise_does_not_change_how_an_example_is_corrupted():
    whole, part = load("digits", corruption=SPEC), load("digits", corruption=SPEC, fraction=0.3, label_noise=0.2)
    held = {row.tobytes() for row in whole.train.x.numpy()}
    assert {row.tobytes() for row in part.train.x.numpy()} <= held


def test_from_one_cache_and_from_another_come_the_same_pictures(tmp_path, tmp_path_factory, monkeypatch):
    write_images(tmp_path, 40)
    first = load("images", path=str(tmp_path), corruption=SPEC)
    again = load("images", path=str(tmp_path), corruption=SPEC)
    monkeypatch.setenv("ALTIPLANO_CACHE", str(tmp_path_factory.mktemp("another")))
    elsewhere = load("images", path=str(tmp_path), corruption=SPEC)
    for data in (again, elsewhere):
        assert all(getattr(data, split).x.equal(getattr(first, split).x) for split in ("train", "selection", "test"))
    other = load("images", path=str(tmp_path), corruption=SPEC, split_seed=1)
    assert not other.test.x.equal(first.test.x)


def test_data_that_are_no_pictures_and_data_with_groups_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"corruption needs pictures of 1 or 3 channels, got inputs of shape \(2,\)"):
        load("spiral", corruption=SPEC)
    np.savez(tmp_path / "set.npz", x=pictures(40)[:, 0], y=labels(40, 2), group=labels(40, 2))
    with pytest.raises(ValueError, match="the data have groups already"):
        load("npz", path=str(tmp_path / "set.npz"), corruption=SPEC)
