"""Networks of timm without their last layer."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn.functional import interpolate

from lightning_modules.architectures.architecture import Normalise, check_normalisation
from lightning_modules.architectures.timm_model import create, normalisation
from lightning_modules.encoders.backbone import Backbone
from smoothing.arguments import at_least, instance, text


class TimmBackbone(Backbone):
    """A network of timm up to its pooled features (Wightman 2019).

    Args:
        name: Name of the network, as in ``timm.list_models()``, or its location; see `TimmModel`.
        weights: Whether to start from timm's pretrained weights, which are downloaded if they are not cached; or the
            path of a file of weights, as safetensors or in a pickle of weights only, with or without a classifier. A
            relative path is looked for in the working directory, then in the folder that the environment variable
            ``SMOOTHING_DATA`` names.
        channels: Number of channels of the images, at least 1.
        size: Height and width to which images are resized first, at least 1; default: no resizing.
        mean: Channel means, on the scale [0, 1]; default: those that timm's weights need.
        std: Channel standard deviations, above 0; default: those that timm's weights need.

    Raises:
        ValueError: If timm has no such network, the weights cannot be downloaded, the file does not hold weights of
            the network, or an argument is out of its range.
    """

    def __init__(
        self,
        name: str,
        weights: bool | str = False,
        channels: int = 3,
        size: int | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        text(self, name=name)
        instance(self, (bool, str), weights=weights)
        at_least(self, 1, channels=channels)
        if size is not None:
            at_least(self, 1, size=size)
        self.body = create(self, name, weights, 0, channels)
        mean, std = normalisation(self.body, channels, mean, std)
        check_normalisation(self, mean, std)
        self.normalise = Normalise(mean, std)
        self.name = name
        # The path is no part of the identity: equal weights give equal features.
        self.weights = bool(weights)
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
