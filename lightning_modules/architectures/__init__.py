"""Architectures: networks from images on the scale [0, 1], plus noise, to logits. Each normalises in its first layer.

Add here subclasses of `Architecture`.
"""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from lightning_modules.architectures.architecture import Architecture
    from lightning_modules.architectures.cifar_resnet import CifarResNet
    from lightning_modules.architectures.lenet import LeNet
    from lightning_modules.architectures.small_cnn import SmallCNN
    from lightning_modules.architectures.timm_model import TimmModel
    from lightning_modules.architectures.torchvision_model import TorchvisionModel

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = ["Architecture", "CifarResNet", "LeNet", "SmallCNN", "TimmModel", "TorchvisionModel"]
