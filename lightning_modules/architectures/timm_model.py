"""Any network of timm."""

from collections.abc import Sequence

from lightning_modules.architectures.architecture import IMAGENET_MEAN, IMAGENET_STD, Architecture


class TimmModel(Architecture):
    """A network of timm, by its name there (Wightman 2019).

    Args:
        name: Name of the network, as in ``timm.list_models()``.
        num_classes: Number of classes K, at least 2.
        weights: Whether to start from timm's pretrained weights, which are downloaded where absent.
        channels: Channels of the images, at least 1.
        mean: Channel means to normalise by; ImageNet's unless given.
        std: Channel standard deviations to normalise by; ImageNet's unless given.

    Raises:
        ValueError: If timm knows no such network, or an argument is out of its range.
    """

    def __init__(
        self,
        name: str,
        num_classes: int,
        weights: bool = False,
        channels: int = 3,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        # Here, since timm takes seconds to import, which no other run should have to wait for.
        import timm

        if not timm.is_model(name):
            raise ValueError(f"TimmModel: name = {name}; must be one of timm.list_models()")
        body = timm.create_model(name, pretrained=weights, num_classes=num_classes, in_chans=channels)
        super().__init__(body, num_classes, mean, std)
        self.name = name
        self.channels = channels
