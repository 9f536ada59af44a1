import numpy as np
import pytest
import torch

from trainables.data.augment import NONE, Augmentation, cut, draw, faults, fitting, moved
from trainables.draws import stream, streams

ALL = Augmentation(shift=2, crop=3, flip=True, cutout=4)
SHAPE = (2, 9, 7)


def batch(*lead):
    return torch.from_numpy(stream(0, "batch").integers(1, 256, (*lead, *SHAPE), dtype=np.uint8))


def reference(picture, drawn, at):
    """One picture moved pixel by pixel, as the words of `Augmentation` say: shift, then crop, then flip."""
    value = {name: int(values[at]) for name, values in drawn.items()}
    _, height, width = picture.shape
    shifted, cropped = np.empty_like(picture), np.zeros_like(picture)
    for i in range(height):
        for j in range(width):
            shifted[:, i, j] = picture[:, np.clip(i + value["shift-y"], 0, height - 1), np.clip(j + value["shift-x"], 0, width - 1)]
    for i in range(height):
        for j in range(width):
            row, column = i + value["crop-y"], j + value["crop-x"]
            if 0 <= row < height and 0 <= column < width:
                cropped[:, i, j] = shifted[:, row, column]
    return cropped[:, :, ::-1] if value["flip"] else cropped


def test_one_gather_does_what_shifting_cropping_and_flipping_do_one_by_one():
    drawn = draw(ALL, streams(1), 3, 5, SHAPE)
    x = batch(3, 5)
    result = moved(x, drawn)
    for at in np.ndindex(3, 5):
        assert np.array_equal(result[at].numpy(), reference(x[at].numpy(), drawn, at)), at


@pytest.mark.parametrize("only", ["shift", "crop", "flip"])
def test_each_alone_does_what_it_does_with_the_others_at_rest(only):
    augmentation = Augmentation(**{only: getattr(ALL, only)})
    drawn = draw(augmentation, streams(2), 1, 6, SHAPE)
    still = {name: torch.zeros(1, 6, dtype=torch.int64) for name in ("shift-y", "shift-x", "crop-y", "crop-x", "flip")}
    x = batch(1, 6)
    result = moved(x, drawn)
    for at in np.ndindex(1, 6):
        assert np.array_equal(result[at].numpy(), reference(x[at].numpy(), {**still, **drawn}, at))


def test_bytes_and_floats_are_moved_alike():
    drawn, x = draw(ALL, streams(1), 2, 3, SHAPE), batch(2, 3)
    assert moved(x, drawn).double().equal(moved(x.double(), drawn))


def test_cutout_clears_a_square_and_nothing_else():
    drawn = {"cutout-y": torch.tensor([4, 0, 8]), "cutout-x": torch.tensor([3, 0, 6])}
    result = cut(torch.ones(3, 1, 9, 7), drawn, 4)[:, 0]
    assert result[0, 2:6, 1:5].sum() == 0
    assert int((result[0] == 0).sum()) == 16
    assert int((result[1] == 0).sum()) == 4  # rows and columns 0 and 1
    assert int((result[2] == 0).sum()) == 3 * 3  # rows 6 to 8, columns 4 to 6
    assert set(result.unique().tolist()) == {0.0, 1.0}


def test_an_odd_cutout_is_centred():
    result = cut(torch.ones(1, 1, 9, 7), {"cutout-y": torch.tensor([4]), "cutout-x": torch.tensor([3])}, 3)[0, 0]
    assert (result == 0).nonzero().tolist() == [[i, j] for i in (3, 4, 5) for j in (2, 3, 4)]


def test_draws_reach_every_offset_evenly_and_no_further():
    drawn = draw(ALL, streams(0), 100, 100, SHAPE)
    for name, reach in (("shift-y", 2), ("shift-x", 2), ("crop-y", 3), ("crop-x", 3)):
        values, counts = drawn[name].unique(return_counts=True)
        assert values.tolist() == list(range(-reach, reach + 1))
        assert (counts / 10_000 - 1 / len(values)).abs().max() < 0.02
    assert drawn["flip"].double().mean() == pytest.approx(0.5, abs=0.02)
    assert int(drawn["cutout-y"].max()) == 8
    assert int(drawn["cutout-x"].max()) == 6


def test_an_augmentation_draws_the_same_whatever_else_is_on():
    alone, together = draw(Augmentation(crop=3), streams(5), 4, 8, SHAPE), draw(ALL, streams(5), 4, 8, SHAPE)
    assert alone["crop-y"].equal(together["crop-y"])
    assert not draw(ALL, streams(5, 1), 4, 8, SHAPE)["crop-y"].equal(together["crop-y"])  # another epoch


def test_shift_and_crop_are_drawn_apart():
    drawn = draw(Augmentation(shift=3, crop=3), streams(0), 20, 20, SHAPE)
    assert not drawn["shift-y"].equal(drawn["crop-y"])
    assert not drawn["crop-y"].equal(drawn["crop-x"])


def test_no_augmentation_draws_nothing_and_returns_the_very_tensor():
    x = batch(2)
    assert draw(NONE, streams(0), 3, 2, SHAPE) == {}
    assert moved(x, {}) is x
    assert cut(x, {}, 0) is x


def test_augmentation_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"augment needs pictures \(channels, height, width\), got inputs of shape \(10,\)"):
        fitting(ALL, (10,))
    with pytest.raises(ValueError, match="no more than the picture's 7 pixels, got 8"):
        fitting(Augmentation(crop=8), SHAPE)
    assert fitting(NONE, (10,)) == NONE


def test_faults_are_named():
    assert faults("data.augment", {"crop": 4, "flip": True}) == []
    assert faults("data.augment", {"crops": 4}) == ["data.augment.crops is unknown; did you mean crop?"]
    assert faults("data.augment", {"crop": 1.5}) == ["data.augment.crop must be a whole number, got 1.5"]
    assert faults("data.augment", {"crop": -1}) == ["data.augment.crop must be a number of pixels of at least 0, got -1"]
    assert faults("data.augment", {"flip": 1}) == ["data.augment.flip must be true or false, got 1"]
    assert faults("data.augment", 4) == ["data.augment must be like {crop: 4, flip: true}, got 4"]
