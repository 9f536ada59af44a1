import pytest
import torch

from trainables.draws import stream
from trainables.nets import build
from trainables.nets.vit import Attention, Tokens, vit


def test_the_vit_has_the_parameters_counted_by_hand():
    with torch.device("meta"):
        net = vit((3, 32, 32), 10)
    width, tokens = 192, 64
    block = (
        4 * width
        + (3 * width * width + 3 * width)
        + (width * width + width)
        + (4 * width * width + 4 * width)
        + (4 * width * width + width)
    )
    whole = 3 * 16 * width + width + tokens * width + 6 * block + 2 * width + 10 * width + 10
    assert sum(leaf.numel() for leaf in net.parameters()) == whole


def test_patches_become_tokens_in_reading_order():
    tokens = Tokens(1, 2, 4, 3).double()
    x = torch.arange(16.0, dtype=torch.float64).reshape(1, 1, 4, 4)
    patches = torch.tensor([[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]], dtype=torch.float64)
    expected = patches @ tokens.patches.weight.reshape(3, 4).T + tokens.patches.bias + tokens.position
    assert torch.allclose(tokens(x)[0], expected, rtol=1e-12)


def test_attention_is_what_torch_computes():
    attention = Attention(8, 2).double()
    x = torch.from_numpy(stream(0, "tokens").normal(size=(3, 5, 8)))
    reference = torch.nn.MultiheadAttention(8, 2, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        reference.in_proj_weight.copy_(attention.queries_keys_values.weight)
        reference.in_proj_bias.copy_(attention.queries_keys_values.bias)
        reference.out_proj.weight.copy_(attention.out.weight)
        reference.out_proj.bias.copy_(attention.out.bias)
    assert torch.allclose(attention(x), reference(x, x, x, need_weights=False)[0], rtol=1e-10)


def test_the_vit_says_what_it_is():
    net = build("vit", (1, 8, 8), 10, patch=2, width=16, depth=3, heads=4)
    assert (net.stages, net.classes, net.width, net.spatial) == (3, 10, 16, False)
    assert net.hidden == ((1, 8, 8), (16, 16), (16, 16), (16, 16))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch": 3}, "a patch that divides the picture's 8 x 8 pixels, got 3"),
        ({"heads": 5}, "heads that divide its width"),
        ({"depth": 0}, "depth must be at least 1, got 0"),
    ],
)
def test_a_vit_that_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        build("vit", (1, 8, 8), 10, **options)
