"""A small vision transformer."""

import torch
from torch import Tensor, nn

from trainables.crossentropy import full_precision
from trainables.nets.norms import LayerNorm
from trainables.nets.resnet import of_picture
from trainables.nets.staged import Staged


class Tokens(nn.Module):
    """A picture as tokens: one linear map of each patch, plus a learned position."""

    def __init__(self, channels: int, patch: int, count: int, width: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(channels, width, patch, stride=patch)
        self.position = nn.Parameter(torch.zeros(count, width).normal_(std=0.02))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, tokens, width)."""
        return self.patches(x).flatten(2).transpose(1, 2) + self.position


class Attention(nn.Module):
    """Attention of every token to all of them; softmax in float32 or better."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, tokens, width) twice."""
        parts = self.queries_keys_values(x).unflatten(-1, (3, self.heads, -1)).transpose(1, 3)
        queries, keys, values = parts.unbind(2)
        scores = queries @ keys.transpose(-1, -2) / queries.shape[-1] ** 0.5
        attended = full_precision(scores).softmax(-1).to(values.dtype) @ values
        return self.out(attended.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.first_norm, self.attention = LayerNorm(width), Attention(width, heads)
        self.second_norm = LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, tokens, width) twice."""
        x = x + self.attention(self.first_norm(x))
        return x + self.mlp(self.second_norm(x))


class Mean(nn.Module):
    """The mean token."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, tokens, width) to (B, width)."""
        return x.mean(1)


def vit(shape: tuple[int, ...], classes: int, patch: int = 4, width: int = 192, depth: int = 6, heads: int = 3) -> Staged:
    """A vision transformer on the mean of its tokens: `depth` blocks, each a stage; stage 1 begins with the cutting into patches.

    Args:
        shape: (channels, height, width) of one picture.
        classes: Number of classes.
        patch: Side of a patch in pixels.
        width: Length of a token.
        depth: Blocks.
        heads: Heads of each attention.

    Raises:
        ValueError: If the inputs are no pictures, patches do not fill them, or heads do not divide the width.

    References:
        Dosovitskiy et al. 2021, arXiv 2010.11929; sizes for small pictures and the mean in place of a class token ours.
    """
    channels, (height, breadth) = of_picture("vit", shape), shape[1:]
    if height % patch or breadth % patch:
        raise ValueError(f"vit needs a patch that divides the picture's {height} x {breadth} pixels, got {patch}")
    if width % heads or min(width, depth, heads) < 1:
        raise ValueError(f"vit needs heads that divide its width and at least one block, got {width=}, {depth=}, {heads=}")
    tokens = Tokens(channels, patch, (height // patch) * (breadth // patch), width)
    blocks = [Block(width, heads) for _ in range(depth)]
    stages: list[nn.Module] = [nn.Sequential(tokens, blocks[0]), *blocks[1:]]
    return Staged(stages, nn.Sequential(LayerNorm(width), Mean()), nn.Linear(width, classes))
