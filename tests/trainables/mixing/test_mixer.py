import numpy as np
import pytest
import torch
from torch import nn
from torch.func import grad
from torch.nn.functional import interpolate

from tests.trainables.mixing.small import number, table
from trainables.draws import stream, streams
from trainables.mixing.mixer import AUTOMIX, SAMIX, Design, attended, deep_value, encoding, enlarged, fresh, shapes, shares

SWAP = torch.tensor([1, 0])
WORKED = Design(joint=True, deep=False, encoded=True, smooth=True)
"""The mixer whose numbers were worked by hand: SAMix with a linear value."""


def worked_mixer():
    return {
        "query.weight": table([[1.0, -1.0]]),
        "query.bias": table([0.5]),
        "key.weight": table([[0.5, 2.0]]),
        "key.bias": table([-0.25]),
        "value.weight": table([[1.5]]),
        "value.bias": table([-1.0]),
    }


def maps(channels=4, size=3, height=4, width=5, seed=0):
    return torch.from_numpy(stream(seed, "maps").normal(size=(size, channels, height, width)))


def drawn_mixer(design, channels, seed=0):
    """A mixer with weights large enough that everything in it matters."""
    drawn = stream(seed, "weights")
    return {name: torch.from_numpy(drawn.normal(size=shape)) for name, shape in shapes(design, channels).items()}


def test_the_forward_pass_gives_the_worked_masks():
    z = table([[[[1.0, 2.0]]], [[[3.0, -1.0]]]])
    found = shares(worked_mixer(), WORKED, number(-1.0), z, SWAP, number(0.3), (1, 2))
    np.testing.assert_allclose(found[:, 0].numpy(), [[0.02792257, 0.99870765], [0.97888290, 0.83693555]], atol=5e-9)


@pytest.mark.parametrize(
    ("k", "expected"),
    [(0.25, [0.18228571, 0.35714286, 0.64285714, 0.81771429]), (1.0, [0.136, 0.296875, 0.703125, 0.864]), (-1.0, [0.1, 0.25, 0.75, 0.9])],
)
def test_the_ratio_s_encoding_has_the_worked_values(k, expected):
    np.testing.assert_allclose(encoding(table([0.1, 0.25, 0.75, 0.9]), number(k)).numpy(), expected, atol=5e-9)


@pytest.mark.parametrize("k", [-1.0, 0.25, 0.5, 1.0])
def test_the_encoding_keeps_both_ends_and_the_middle_and_rises(k):
    found = encoding(torch.linspace(0, 1, 101, dtype=torch.float64), number(k))
    np.testing.assert_allclose(found[[0, 50, 100]].numpy(), [0, 0.5, 1], atol=1e-12)
    assert (found.diff() > 0).all()


def test_a_mask_is_enlarged_before_the_sigmoid():
    found = enlarged(table([[[-2.0, 2.0]]]), (2, 4), smooth=True).sigmoid()
    np.testing.assert_allclose(found[0].numpy(), [[0.11920292, 0.26894143, 0.73105858, 0.88079703]] * 2, atol=5e-9)


@pytest.mark.parametrize("size", [(4, 4), (8, 8), (5, 9), (7, 3), (1, 2)])
@pytest.mark.parametrize(("smooth", "mode"), [(True, "bilinear"), (False, "nearest")])
def test_enlarging_is_torch_s_interpolation(size, smooth, mode):
    mask = maps(1, 2, 4, 3)
    expected = (
        interpolate(mask, size=size, mode=mode)[:, 0] if mode == "bilinear" else interpolate(mask, size=size, mode="nearest-exact")[:, 0]
    )
    torch.testing.assert_close(enlarged(mask[:, 0], size, smooth), expected, rtol=1e-10, atol=1e-12)


def softmax(rows):
    rows = np.exp(rows - rows.max(-1, keepdims=True))
    return rows / rows.sum(-1, keepdims=True)


def by_hand(mixer, design, k, z, partner, ratio, size):
    """The mixer in numpy, one picture and one position at a time."""
    weights = {name: leaf.numpy() for name, leaf in mixer.items()}
    lam = ratio if k < 0 else (4 / 3 * ratio**3 - 2 * ratio**2 + (k + 1) * ratio) / (k + 1 / 3)
    own, other = z.numpy().copy(), z.numpy()[partner]
    if design.encoded:
        own, other = own * (1 + lam), other * (2 - lam)
    count, _, height, width = own.shape
    masks = []
    hidden = np.einsum("oc,bchw->bohw", weights["value.first.weight"], other) if design.deep else None
    for i in range(count):
        a, b = own[i].reshape(own.shape[1], -1), other[i].reshape(own.shape[1], -1)
        if design.joint:
            both = np.concatenate([a, b])
            query, key = (weights[f"{name}.weight"] @ both + weights[f"{name}.bias"][:, None] for name in ("query", "key"))
        else:
            query, key = (weights["query.weight"] @ part + weights["query.bias"][:, None] for part in (a, b))
        if hidden is None:
            value = (weights["value.weight"] @ b + weights["value.bias"][:, None])[0]
        else:
            mean, variance = hidden.mean((0, 2, 3)), hidden.var((0, 2, 3))
            normed = (hidden[i].reshape(len(mean), -1) - mean[:, None]) / np.sqrt(variance[:, None] + 1e-5)
            normed = normed * weights["value.norm.weight"][:, None] + weights["value.norm.bias"][:, None]
            value = (weights["value.last.weight"] @ np.where(normed > 0, normed, np.expm1(normed)))[0]
        attention = softmax(query.T @ key / np.sqrt(len(query)))
        masks.append((attention @ value).reshape(height, width))
    up = interpolate(torch.from_numpy(np.stack(masks))[:, None], size=size, mode="bilinear" if design.smooth else "nearest-exact")
    return 1 / (1 + np.exp(-up[:, 0].numpy()))


@pytest.mark.parametrize("design", [SAMIX, AUTOMIX, WORKED])
@pytest.mark.parametrize("k", [-1.0, 0.25])
@pytest.mark.parametrize("channels", [1, 5])
def test_the_forward_pass_equals_numpy_position_by_position(design, k, channels):
    mixer, z, partner = drawn_mixer(design, channels), maps(channels), torch.tensor([2, 0, 1])
    found = shares(mixer, design, number(k), z, partner, number(0.3), (8, 10))
    assert found.shape == (3, 8, 10)
    np.testing.assert_allclose(found.numpy(), by_hand(mixer, design, k, z, partner.numpy(), 0.3, (8, 10)), rtol=1e-6, atol=1e-9)


def test_the_deep_value_is_convolution_norm_elu_convolution():
    mixer, z = drawn_mixer(SAMIX, 4), maps(4)
    module = nn.Sequential(nn.Conv2d(4, 2, 1, bias=False), nn.BatchNorm2d(2), nn.ELU(), nn.Conv2d(2, 1, 1, bias=False)).double().train()
    weights = [mixer["value.first.weight"][..., None, None], mixer["value.norm.weight"], mixer["value.norm.bias"]]
    with torch.no_grad():
        for parameter, weight in zip(module.parameters(), [*weights, mixer["value.last.weight"][..., None, None]], strict=True):
            parameter.copy_(weight)
        torch.testing.assert_close(deep_value(mixer, z.flatten(2)), module(z).flatten(2), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("design", [SAMIX, AUTOMIX])
def test_a_fresh_mixer_starts_near_one_half_with_small_weights_and_no_bias(design):
    mixer = fresh(streams(0), design, 64, maps())
    assert {name: tuple(leaf.shape) for name, leaf in mixer.items()} == shapes(design, 64)
    assert mixer["query.weight"].std().item() == pytest.approx(0.01, rel=0.1)
    assert all((leaf == 0).all() for name, leaf in mixer.items() if name.endswith("bias"))
    assert torch.equal(mixer["query.weight"], fresh(streams(0), design, 64, maps())["query.weight"])
    found = shares(mixer, design, number(0.25), maps(64), torch.tensor([1, 2, 0]), number(0.4), (8, 8))
    assert (found - 0.5).abs().max() < 0.05


def test_masks_stay_shares_for_maps_of_any_size():
    for scale in (1e-6, 1e3, 1e6):
        found = shares(drawn_mixer(SAMIX, 4), SAMIX, number(0.25), scale * maps(4), torch.tensor([1, 2, 0]), number(0.4), (8, 8))
        assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.parametrize("design", [SAMIX, AUTOMIX])
def test_the_derivative_of_the_mask_is_that_of_finite_differences(design):
    mixer, z, partner = drawn_mixer(design, 4), maps(4), torch.tensor([2, 0, 1])
    weight = torch.from_numpy(stream(1, "probe").normal(size=(3, 8, 8)))

    def value(weights):
        return (shares(weights, design, number(0.25), z, partner, number(0.3), (8, 8)) * weight).sum()

    gradient = grad(value)(mixer)
    for name, leaf in mixer.items():
        direction = torch.from_numpy(stream(2, name).normal(size=tuple(leaf.shape)))
        up, down = ({**mixer, name: leaf + sign * 1e-6 * direction} for sign in (1, -1))
        assert (gradient[name] * direction).sum().item() == pytest.approx((value(up) - value(down)).item() / 2e-6, rel=1e-5, abs=1e-8), name


def test_attention_and_mask_are_in_float32_whatever_autocast_says():
    query, key, value = (maps(channels, seed=seed).float().flatten(2) for seed, channels in enumerate((4, 4, 1)))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mask = attended(query, key, value)
        found = enlarged(mask.unflatten(1, (4, 5)), (8, 10), smooth=True)
        assert (query.transpose(1, 2) @ key).dtype == torch.bfloat16  # what autocast does elsewhere
    assert torch.equal(mask, attended(query, key, value))
    assert torch.equal(found, enlarged(mask.unflatten(1, (4, 5)), (8, 10), smooth=True))
    assert attended(query.bfloat16(), key.bfloat16(), value.bfloat16()).dtype == torch.float32
