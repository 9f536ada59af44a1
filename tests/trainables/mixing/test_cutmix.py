import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.trainables.mixing.small import cnn, hyper, linear, model_of, pictures
from trainables.crossentropy import one_hot
from trainables.draws import streams
from trainables.mixing.cutmix import boxes, cutmix, inside, pasted


def drawn(alpha=1.0, steps=200, seed=0, net=None):
    return cutmix().draw(streams(seed, 0), {"alpha": alpha}, steps, 6, net or cnn())


@pytest.mark.parametrize(
    ("kept", "centre", "box"),
    [
        (0.75, (0.5, 0.5), (2, 6, 2, 6)),  # half the side, centred
        (0.75, (0.0, 0.0), (0, 2, 0, 2)),  # three quarters of it clipped away
        (0.75, (0.99, 0.5), (5, 8, 2, 6)),  # clipped at the bottom
        (0.0, (0.5, 0.5), (0, 8, 0, 8)),
        (1.0, (0.3, 0.9), (2, 2, 7, 7)),  # empty
        (0.64, (0.5, 0.5), (2, 7, 2, 7)),  # side 4.8 pixels, rounded to 5
    ],
)
def test_boxes_worked_by_hand_on_eight_by_eight(kept, centre, box):
    assert tuple(boxes(np.array([kept]), np.array([centre]), 8, 8)[0]) == box


def test_a_box_has_the_picture_s_proportions():
    assert tuple(boxes(np.array([0.75]), np.array([[0.5, 0.5]]), 4, 10)[0]) == (1, 3, 3, 8)


@given(kept=st.floats(0, 1), down=st.floats(0, 0.999), across=st.floats(0, 0.999), height=st.integers(1, 12), width=st.integers(1, 12))
def test_boxes_stay_on_the_picture(kept, down, across, height, width):
    top, bottom, left, right = boxes(np.array([kept]), np.array([[down, across]]), height, width)[0]
    assert 0 <= top <= bottom <= height
    assert 0 <= left <= right <= width


def test_the_label_s_ratio_is_the_share_of_pixels_that_stayed():
    recipe, x = drawn(), pictures().x
    replaced = torch.stack([inside(box, x) for box in recipe["box"]]).double().mean((1, 2))
    np.testing.assert_allclose(recipe["ratio"].numpy(), 1 - replaced.numpy(), rtol=1e-12)
    assert recipe["ratio"].min() < 0.3
    assert recipe["ratio"].max() > 0.95


def test_centres_are_uniform_over_the_picture():
    recipe = drawn(alpha=400.0, steps=4000)  # every side is 6 of 8 pixels: whole for 3 of the 8 rows that a centre may lie in
    whole = (recipe["box"][:, 1::2] - recipe["box"][:, ::2] == 6).double().mean(0)
    np.testing.assert_allclose(whole.numpy(), [3 / 8, 3 / 8], atol=0.03)


def test_pixels_in_the_box_come_from_the_partner_and_the_others_stay():
    batch = pictures(size=3, channels=2)
    recipe = {"box": torch.tensor([1, 4, 2, 8]), "partner": torch.tensor([2, 0, 1])}
    expected = batch.x.clone()
    expected[:, :, 1:4, 2:8] = batch.x[[2, 0, 1]][:, :, 1:4, 2:8]
    assert torch.equal(pasted(batch.x, recipe), expected)


def test_losses_weigh_both_labels_by_area():
    net, batch = cnn(), pictures()
    model = model_of(net)
    partner = torch.tensor([5, 4, 3, 2, 1, 0])
    recipe = {"box": torch.tensor([0, 4, 0, 4]), "partner": partner, "ratio": torch.tensor(0.75, dtype=torch.float64)}
    losses, _ = cutmix().losses({}, hyper(), recipe, net, model, batch)
    logits, _ = net.apply(model, pasted(batch.x, recipe), lambda depth, hidden: hidden)
    logs = logits.log_softmax(1)
    own, other = (-(one_hot(y, 3, logs.dtype) * logs).sum(1) for y in (batch.y, batch.y[partner]))
    torch.testing.assert_close(losses.value, 0.75 * own + 0.25 * other, rtol=1e-10, atol=1e-12)
    assert losses.weight.sum().item() == pytest.approx(1)


def test_alpha_nought_cuts_nothing():
    recipe, x = drawn(alpha=0.0, steps=5), pictures().x
    assert recipe["ratio"].tolist() == [1.0] * 5
    assert torch.equal(pasted(x, {"box": recipe["box"][0], "partner": recipe["partner"][0]}), x)


def test_flat_inputs_are_refused():
    assert "image" in cutmix().needs
    with pytest.raises(ValueError, match="cutmix needs pictures"):
        drawn(net=linear(2, (2,)))


def test_the_page_shows_the_box():
    batch, recipe = pictures(), {name: leaf[0] for name, leaf in drawn(steps=1, seed=2).items()}
    shown = cutmix().show({}, hyper(), recipe, cnn(), batch)
    assert torch.equal(shown.mixed, pasted(batch.x, recipe))
    assert shown.share.mean().item() == pytest.approx(1 - recipe["ratio"].item())
    assert 0 < shown.share.mean() < 1
