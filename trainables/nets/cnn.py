"""A small convolutional network with spatial maps at every stage."""

from torch import nn

from trainables.nets.staged import Staged


def cnn(shape: tuple[int, ...], classes: int, width: int = 16, stages: int = 3, norm: str = "batch") -> Staged:
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
    if len(shape) != 3:
        raise ValueError(f"cnn needs images (channels, height, width), got inputs of shape {shape}; use mlp")
    blocks: list[nn.Module] = []
    entering = shape[0]
    for number in range(stages):
        leaving = width * 2**number
        convolution = nn.Conv2d(entering, leaving, 3, stride=1 if number == 0 else 2, padding=1, bias=norm == "none")
        blocks.append(nn.Sequential(convolution, normalised(leaving, norm), nn.ReLU()))
        entering = leaving
    return Staged(blocks, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), nn.Linear(entering, classes))


def normalised(channels: int, norm: str) -> nn.Module:
    """The normalisation layer called `norm`: "batch", "group" (groups of 8 channels; one group where 8 does not divide them) or "none".

    Raises:
        ValueError: If there is no such layer.
    """
    match norm:
        case "batch":
            return nn.BatchNorm2d(channels)
        case "group":
            return nn.GroupNorm(channels // 8 if channels % 8 == 0 else 1, channels)
        case "none":
            return nn.Identity()
    raise ValueError(f"norm must be batch, group or none, got {norm!r}")
