"""Fashion-MNIST."""

import torchvision

from datamodules.mnist import MNIST, PUBLISHED


class FashionMNIST(MNIST):
    """Articles of clothing, 60,000 for training and 10,000 for tests, 28 x 28 pixels (Xiao et al. 2017).

    Its arguments are those of `MNIST`; its files stand in ``FashionMNIST/raw``.
    """

    source = "FashionMNIST"
    archive = torchvision.datasets.FashionMNIST
    published = dict.fromkeys(PUBLISHED)
