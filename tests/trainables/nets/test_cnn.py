import pytest
import torch

from trainables.axes import keep
from trainables.draws import streams
from trainables.nets import build
from trainables.nets.norms import normalised


def test_the_cnn_has_the_parameters_counted_by_hand():
    params = build("cnn", (1, 8, 8), 10).init(streams(0)).params
    # 3x3 kernels 1->16->32->64 without biases, batch norm, head
    assert sum(leaf.numel() for leaf in params.values()) == 9 * (16 + 16 * 32 + 32 * 64) + 2 * (16 + 32 + 64) + 64 * 10 + 10


def test_stages_put_out_maps_that_halve():
    net = build("cnn", (3, 8, 8), 5, width=4)
    shapes: list[tuple[int, ...]] = []

    def look(depth: int, hidden: torch.Tensor) -> torch.Tensor:
        shapes.append(tuple(hidden.shape))
        return hidden

    logits, _ = net.apply(net.init(streams(0)), torch.zeros(2, 3, 8, 8), look)
    assert shapes == [(2, 3, 8, 8), (2, 4, 8, 8), (2, 8, 4, 4), (2, 16, 2, 2), (2, 16)]
    assert logits.shape == (2, 5)
    assert net.spatial


def test_the_feature_vector_is_the_mean_of_the_last_map():
    net = build("cnn", (1, 4, 4), 3, width=4, stages=2, norm="none")
    model = net.init(streams(0))
    x = torch.linspace(-1, 1, 32).reshape(2, 1, 4, 4)
    maps: list[torch.Tensor] = []
    net.apply(model, x, lambda depth, hidden: maps.append(hidden) or hidden)  # type: ignore[func-returns-value]
    assert torch.allclose(net.features(model, x), maps[2].mean((2, 3)), rtol=1e-6)


@pytest.mark.parametrize(("channels", "groups"), [(8, 1), (32, 4), (20, 1), (28, 1)])
def test_group_norm_takes_groups_of_eight_channels_or_all(channels, groups):
    assert normalised(channels, "group").num_groups == groups


def test_flat_inputs_and_unknown_norms_are_refused():
    with pytest.raises(ValueError, match=r"got inputs of shape \(64,\); use mlp"):
        build("cnn", (64,), 10)
    with pytest.raises(ValueError, match=r"net\.norm must be one of batch, group, none, got 'layer'"):
        build("cnn", (1, 8, 8), 10, norm="layer")


def test_evaluation_uses_the_running_statistics_and_training_the_batch():
    net = build("cnn", (1, 4, 4), 3, width=8)
    model = net.init(streams(0))
    x = torch.linspace(-1, 1, 64).reshape(4, 1, 4, 4)
    assert torch.allclose(net.predict(model, x)[:2], net.predict(model, x[:2]), atol=1e-6)
    assert not torch.allclose(net.apply(model, x, keep)[0][:2], net.apply(model, x[:2], keep)[0], atol=1e-3)
