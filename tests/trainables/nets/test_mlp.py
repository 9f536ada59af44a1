import pytest
import torch

from trainables.axes import keep
from trainables.draws import streams
from trainables.nets import build


def parameters(net) -> int:
    return sum(leaf.numel() for leaf in net.init(streams(0)).params.values())


def test_the_mlp_has_the_parameters_counted_by_hand():
    # 64*128 + 128*128 weights without biases, 2*2*128 of batch norm, 128*10 + 10 of the head
    assert parameters(build("mlp", (1, 8, 8), 10)) == 8192 + 16384 + 512 + 1290
    assert parameters(build("mlp", (1, 8, 8), 10, norm="none")) == 8192 + 128 + 16384 + 128 + 1290


def test_the_mlp_computes_relu_layers_and_a_linear_head():
    net = build("mlp", (3,), 2, width=4, depth=1, norm="none")
    model = net.init(streams(1))
    x = torch.linspace(-1, 1, 6).reshape(2, 3)
    w, b = model.params["stages.0.1.weight"], model.params["stages.0.1.bias"]
    hidden = (x @ w.T + b).clamp_min(0)
    expected = hidden @ model.params["head.weight"].T + model.params["head.bias"]
    assert torch.allclose(net.apply(model, x, keep)[0], expected, rtol=1e-6)
    assert torch.allclose(net.features(model, x), hidden, rtol=1e-6)


def test_the_mlp_says_what_it_is():
    net = build("mlp", (1, 8, 8), 10, width=32, depth=3)
    assert (net.stages, net.classes, net.width, net.shape, net.spatial) == (3, 10, 32, (1, 8, 8), False)


@pytest.mark.parametrize("options", [{"norm": "layer"}, {"width": 0}, {"depth": 0}])
def test_an_mlp_that_cannot_be_is_refused(options):
    with pytest.raises(ValueError, match=str(next(iter(options.values())))):
        build("mlp", (4,), 2, **options)
