import numpy as np
import pytest

from tests.trainables.data.files import write_images
from trainables.data import check
from trainables.data.load import load


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "digits"},
        {"name": "digits", "label_noise": 0.1, "fraction": 1, "imbalance": 10, "label_noise_kind": "pairwise", "split_seed": 3},
        {"name": "digits", "augment": {"shift": 1}, "corruption": {"kinds": ["blur"], "train": "poisson(1)"}},
        {"name": "spiral", "turns": 2, "noise": 0.1},
        {"name": "numpy:pi"},
    ],
)
def test_a_legal_spec_has_no_faults(spec):
    assert check(spec) == []


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ({}, "data.name must name a data set (digits, gaussians"),
        ({"name": 3}, "got 3"),
        ({"name": "digit"}, "data.name digit is unknown; did you mean digits?"),
        ({"name": "fashionmnist"}, "data.name fashionmnist is unknown; did you mean fashion-mnist?"),
        ({"name": "digits", "label_nose": 0.1}, "data.label_nose is unknown; did you mean label_noise?"),
        ({"name": "digits", "label_noise": 1.5}, "data.label_noise must be a share of at least 0 and below 1, got 1.5"),
        ({"name": "digits", "label_noise": True}, "data.label_noise must be a share"),
        ({"name": "digits", "label_noise": "0.1"}, "got '0.1'"),
        ({"name": "digits", "label_noise": float("nan")}, "got nan"),
        ({"name": "digits", "label_noise": None}, "got None"),
        ({"name": "digits", "label_noise_kind": "pair"}, "data.label_noise_kind must be one of symmetric, pairwise, got 'pair'"),
        ({"name": "digits", "fraction": 0}, "data.fraction must be a share above 0 and at most 1, got 0"),
        ({"name": "digits", "imbalance": 0.5}, "data.imbalance must be at least 1"),
        ({"name": "digits", "test_share": 1}, "data.test_share must be a share between 0 and 1, got 1"),
        ({"name": "digits", "split_seed": -1}, "data.split_seed must be a whole number of at least 0, got -1"),
        ({"name": "digits", "path": "here"}, "data.path is unknown"),
        ({"name": "spiral", "turns": "two"}, "data.turns must be a finite number, got 'two'"),
        ({"name": "spiral", "train": 1}, "data spiral needs at least 4 examples"),
        ({"name": "npz"}, "data.path must be given: text"),
        ({"name": "npz", "path": "/none.npz"}, "data /none.npz must be an NPZ file, it does not exist"),
        ({"name": "cifar100", "labels": "corse"}, "data.labels must be one of fine, coarse, got 'corse'; did you mean coarse?"),
        ({"name": "digits", "corruption": {"kinds": ["blurr"]}}, "data.corruption.kinds blurr is unknown; did you mean blur?"),
        ({"name": "digits", "corruption": {"train": 1}}, "data.corruption.kinds must name at least one of gaussian_noise"),
        ({"name": "digits", "corruption": {"kinds": "blur", "tran": 1}}, "data.corruption.tran is unknown; did you mean train?"),
        ({"name": "digits", "corruption": {"kinds": "blur", "train": 9}}, "data.corruption.train must be none, a severity 0..5"),
        ({"name": "digits", "corruption": "blur"}, "data.corruption must be like {kinds: [blur]"),
        ({"name": "digits", "augment": {"flop": True}}, "data.augment.flop is unknown; did you mean flip?"),
        ({"name": "nowhere:data"}, "data.name nowhere:data: the module nowhere must be importable"),
        ({"name": "numpy:nothing"}, "data.name numpy:nothing: the module numpy must have nothing"),
    ],
)
def test_a_fault_is_named_with_its_key_and_what_would_be_right(spec, fault):
    found = check(spec)
    assert len(found) == 1
    assert fault in found[0]


def test_all_faults_are_found_at_once():
    found = check({"name": "spiral", "turn": 2, "label_noise": 3, "augment": {"crop": -1}, "corruption": {"kinds": ["x"], "test": "y"}})
    assert [line.split()[0] for line in found] == [
        "data.label_noise",
        "data.corruption.kinds",
        "data.corruption.test",
        "data.augment.crop",
        "data.turn",
    ]


def test_a_class_folder_without_pictures_is_found_before_anything_is_read(tmp_path):
    write_images(tmp_path)
    (tmp_path / "empty").mkdir()
    assert "empty must hold pictures" in check({"name": "images", "path": str(tmp_path)})[0]


def test_load_refuses_what_check_finds():
    with pytest.raises(ValueError, match=r"data\.label_noise must be a share of at least 0 and below 1, got 2; data\.fraction must be"):
        load("digits", label_noise=2, fraction=0)


def test_a_public_set_that_is_not_here_says_how_to_get_it(cache_folder):
    (found,) = check({"name": "cifar10"})
    assert "run `altiplano data cifar10 --fetch`" in found
    assert "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz" in found
    assert str(cache_folder / "downloads" / "cifar10") in found


def test_numbers_of_numpy_are_no_surprise():
    assert check({"name": "digits", "label_noise": np.float64(0.1)}) == []
