"""Residual networks for CIFAR."""

from collections.abc import Sequence
from pickle import UnpicklingError
from types import NoneType

import torch
from torch import Tensor, nn
from torch.hub import load_state_dict_from_url
from torch.nn.functional import avg_pool2d, pad, relu

from lightning_modules.architectures.architecture import IMAGENET_MEAN, IMAGENET_STD, Architecture
from smoothing.arguments import at_least, instance
from smoothing.data_folder import data_file


class CifarResNet(Architecture):
    """ResNet-20, -32, -44, -56 and -110 for images of 32 x 32 pixels (He et al. 2016, section 4.2).

    Shortcuts that change the shape take every second pixel and pad the channels with zeros (option A). They have no
    parameters.

    Args:
        depth: Number of layers with weights, ``6 n + 2`` with n at least 1.
        num_classes: Number of classes K, at least 2.
        weights: Path or ``https`` address of a file with initial weights, as released by Idelbayev
            (pytorch_resnet_cifar10). A relative path is looked for in the working directory, then in the folder that the
            environment variable ``SMOOTHING_DATA`` names. Default: random weights.
        mean: Channel means; default: ImageNet's, which the released weights need.
        std: Channel standard deviations; default: ImageNet's.

    Raises:
        ValueError: If an argument is out of its range, or the file does not hold weights of this network.
    """

    def __init__(
        self,
        depth: int = 20,
        num_classes: int = 10,
        weights: str | None = None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        at_least(self, 1, depth=depth)
        at_least(self, 2, num_classes=num_classes)
        instance(self, (str, NoneType), weights=weights)
        if depth < 8 or depth % 6 != 2:
            raise ValueError(f"CifarResNet: depth = {depth}; must be 6 n + 2 with n at least 1, for example 20 or 110")
        super().__init__(_Body(depth // 6, num_classes), num_classes, mean, std)
        self.depth = depth
        if weights is not None:
            _load(self.body, weights)


class _Body(nn.Module):
    """Layers with the names of the released weights."""

    def __init__(self, blocks: int, num_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _stage(16, 16, blocks)
        self.layer2 = _stage(16, 32, blocks)
        self.layer3 = _stage(32, 64, blocks)
        self.linear = nn.Linear(64, num_classes)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        logits: Tensor = self.linear(avg_pool2d(x, x.shape[-1]).flatten(1))
        return logits


class _Block(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.stride = 1 if before == after else 2
        self.widen = after - before
        self.conv1 = nn.Conv2d(before, after, 3, stride=self.stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        residual = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
        shortcut = x
        if self.widen:
            half = self.widen // 2
            shortcut = pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, half, half))
        return relu(residual + shortcut)


def _stage(before: int, after: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(_Block(before, after), *(_Block(after, after) for _ in range(blocks - 1)))


def _load(body: nn.Module, path: str) -> None:
    try:
        if path.startswith("https://"):
            read = load_state_dict_from_url(path, map_location="cpu", check_hash=True, weights_only=True)
        else:
            read = torch.load(data_file(path), map_location="cpu", weights_only=True)
        released = read["state_dict"]
        body.load_state_dict({name.removeprefix("module."): value for name, value in released.items()})
    except OSError as error:
        raise ValueError(f"CifarResNet: weights = {path}; must be a file that can be read: {error}") from error
    except (UnpicklingError, RuntimeError, EOFError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"CifarResNet: weights = {path}; must hold the weights of a network of this depth") from error
