"""Networks of timm without their last layer."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn.functional import interpolate

from lightning_modules.architectures.architecture import IMAGENET_MEAN, IMAGENET_STD, Normalise, check_normalisation
from lightning_modules.architectures.timm_model import create
from lightning_modules.encoders.backbone import Backbone
from smoothing.arguments import at_least, instance, text


class TimmBackbone(Backbone):
    """A network of timm up to its pooled features (Wightman 2019).

    Args:
        name: Name of the network, as in ``timm.list_models()``.
        weights: Whether to start from timm's pretrained weights, which are downloaded if they are not cached.
        channels: Number of channels of the images, at least 1.
        size: Height and width to which images are resized first, at least 1; default: no resizing.
        mean: Channel means, on the scale [0, 1]; default: ImageNet's.
        std: Channel standard deviations, above 0; default: ImageNet's.

    Raises:
        ValueError: If timm has no such network, the weights cannot be downloaded, or an argument is out of its range.
    """

    def __init__(
        self,
        name: str,
        weights: bool = False,
        channels: int = 3,
        size: int | None = None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        text(self, name=name)
        instance(self, bool, weights=weights)
        at_least(self, 1, channels=channels)
        if size is not None:
            at_least(self, 1, size=size)
        check_normalisation(self, mean, std)
        # Imported here, since importing timm takes seconds.
        import timm

        if not timm.is_model(name):
            raise ValueError(f"TimmBackbone: name = {name}; must be one of timm.list_models()")
        self.normalise = Normalise(mean, std)
        self.body = create(self, name, weights, 0, channels)
        self.name = name
        self.weights = weights
        self.channels = channels
        self.size = size
        self.mean = tuple(mean)
        self.std = tuple(std)
        self.features = int(self.body.num_features)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """See `Backbone.forward`."""
        if self.size is not None:
            x = interpolate(x, size=(self.size, self.size), mode="bilinear", antialias=True)
        features: Tensor = self.body(self.normalise(x))
        return features
