"""A small convolutional network with spatial maps at every stage."""

from torch import nn

from trainables.nets.norms import Norm, normalised
from trainables.nets.resnet import convolution, of_picture, pool
from trainables.nets.staged import Staged


def cnn(shape: tuple[int, ...], classes: int, width: int = 16, stages: int = 3, norm: Norm = "batch") -> Staged:
    """`stages` blocks of 3x3 convolution, norm and ReLU; the second and later ones halve the map and double the channels.

    Args:
        shape: (channels, height, width) of one image.
        classes: Number of classes.
        width: Channels of the first block.
        stages: Blocks, each a stage.
        norm: "batch", "group" or "none".

    Raises:
        ValueError: If the inputs are no images.
    """
    entering = of_picture("cnn", shape)
    blocks: list[nn.Module] = []
    for number in range(stages):
        leaving = width * 2**number
        blocks.append(nn.Sequential(convolution(entering, leaving, 1 if number == 0 else 2, norm), normalised(leaving, norm), nn.ReLU()))
        entering = leaving
    return Staged(blocks, pool(), nn.Linear(entering, classes))
