"""Residual networks for small pictures: ResNet-18 with a stem that keeps the picture's size, and wide residual networks."""

from torch import Tensor, nn
from torch.nn.functional import relu

from trainables.nets.norms import Norm, normalised
from trainables.nets.staged import Staged


class Block(nn.Module):
    """relu(shortcut(x) + norm(conv(relu(norm(conv(x)))))), the two convolutions 3x3; the first one strides."""

    def __init__(self, entering: int, leaving: int, stride: int, norm: str) -> None:
        super().__init__()
        self.first, self.first_norm = convolution(entering, leaving, stride, norm), normalised(leaving, norm)
        self.second, self.second_norm = convolution(leaving, leaving, 1, norm), normalised(leaving, norm)
        same = stride == 1 and entering == leaving
        projection = [nn.Conv2d(entering, leaving, 1, stride=stride, bias=norm == "none"), normalised(leaving, norm)]
        self.shortcut = nn.Identity() if same else nn.Sequential(*projection)

    def forward(self, x: Tensor) -> Tensor:
        """(B, entering, H, W) to (B, leaving, H / stride, W / stride)."""
        inner = self.second_norm(self.second(relu(self.first_norm(self.first(x)))))
        return relu(self.shortcut(x) + inner)


class WideBlock(nn.Module):
    """x' + conv(relu(norm(conv(relu(norm(x)))))), x' being x, or where the shape changes a 1x1 convolution of relu(norm(x))."""

    def __init__(self, entering: int, leaving: int, stride: int, norm: str) -> None:
        super().__init__()
        self.first_norm, self.first = normalised(entering, norm), convolution(entering, leaving, stride, norm)
        self.second_norm, self.second = normalised(leaving, norm), convolution(leaving, leaving, 1, norm)
        same = stride == 1 and entering == leaving
        self.projection = None if same else nn.Conv2d(entering, leaving, 1, stride=stride, bias=norm == "none")

    def forward(self, x: Tensor) -> Tensor:
        """(B, entering, H, W) to (B, leaving, H / stride, W / stride)."""
        active = relu(self.first_norm(x))
        inner = self.second(relu(self.second_norm(self.first(active))))
        return inner + (x if self.projection is None else self.projection(active))


def resnet18(shape: tuple[int, ...], classes: int, width: int = 64, norm: Norm = "batch") -> Staged:
    """ResNet-18 with a 3x3 stem and no pooling after it, as usual on CIFAR: 11,173,962 parameters on 3 channels with 10 classes.

    Four stages of two blocks with width, 2, 4 and 8 times width channels; the later three halve the map. The stem is part of stage 1.

    Args:
        shape: (channels, height, width) of one picture.
        classes: Number of classes.
        width: Channels of the first stage.
        norm: "batch", "group" or "none".

    Raises:
        ValueError: If the inputs are no pictures.

    References:
        He et al. 2016, arXiv 1512.03385, table 1; the stem after the same paper's section 4.2. Weights start as in its own initialisation
        (arXiv 1502.01852, fan out).
    """
    channels = of_picture("resnet18", shape)
    stages: list[nn.Module] = []
    entering = width
    for number in range(4):
        leaving = width * 2**number
        stem = [convolution(channels, width, 1, norm), normalised(width, norm), nn.ReLU()] if number == 0 else []
        stages.append(nn.Sequential(*stem, Block(entering, leaving, 1 if number == 0 else 2, norm), Block(leaving, leaving, 1, norm)))
        entering = leaving
    return started(Staged(stages, pool(), nn.Linear(entering, classes)))


def wide_resnet(shape: tuple[int, ...], classes: int, depth: int = 28, width: int = 10, norm: Norm = "batch") -> Staged:
    """WRN-depth-width without dropout: 36,479,194 parameters for WRN-28-10 on 3 channels with 10 classes.

    Three stages of (depth - 4) / 6 blocks with 16, 32 and 64 times `width` channels; the later two halve the map. The stem is part of
    stage 1; the last norm and ReLU stand before the pooling.

    Args:
        shape: (channels, height, width) of one picture.
        classes: Number of classes.
        depth: Layers: 6 n + 4.
        width: Factor on the channels.
        norm: "batch", "group" or "none".

    Raises:
        ValueError: If the inputs are no pictures, or there is no such depth.

    References:
        Zagoruyko & Komodakis 2016, arXiv 1605.07146, table 1.
    """
    channels = of_picture("wide-resnet", shape)
    if depth < 10 or (depth - 4) % 6:
        raise ValueError(f"wide-resnet has a depth of 6 n + 4 (10, 16, 22, 28, 40, ...), got {depth}")
    stages: list[nn.Module] = []
    entering = 16
    for number in range(3):
        leaving = 16 * width * 2**number
        stem = [convolution(channels, entering, 1, norm)] if number == 0 else []
        later = [WideBlock(leaving, leaving, 1, norm) for _ in range((depth - 4) // 6 - 1)]
        stages.append(nn.Sequential(*stem, WideBlock(entering, leaving, 1 if number == 0 else 2, norm), *later))
        entering = leaving
    return started(Staged(stages, nn.Sequential(normalised(entering, norm), nn.ReLU(), pool()), nn.Linear(entering, classes)))


def of_picture(name: str, shape: tuple[int, ...]) -> int:
    """The channels of a picture's shape.

    Raises:
        ValueError: If it is none.
    """
    if len(shape) != 3:
        raise ValueError(f"{name} needs pictures (channels, height, width), got inputs of shape {shape}; use mlp")
    return shape[0]


def convolution(entering: int, leaving: int, stride: int, norm: str) -> nn.Conv2d:
    """A 3x3 convolution that keeps the map's size at stride 1; with a bias only where no norm follows."""
    return nn.Conv2d(entering, leaving, 3, stride=stride, padding=1, bias=norm == "none")


def pool() -> nn.Module:
    """The mean over the map: (B, channels, H, W) to (B, channels)."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())


def started(net: Staged) -> Staged:
    """The net with its convolutions drawn from N(0, 2 / fan out)."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return net
