"""How the settings of cifar10_transfer.yaml were chosen, without a label under attack or a test example of the tables.

``python -m results.label_flip.choose_transfer [WEIGHTS]``, in the root of the repository, prints certified accuracy at
8, 24 and 48 of 4,000 flips, the fractions that 100, 300 and 600 are of 50,000. 4,000 of the first 5,000 test images are
the training set, and the other 1,000 are predicted. Features are kept; see `FeatureStore`.
"""

import sys
from itertools import product

import numpy as np
import torch

from datamodules import CIFAR10
from lightning_modules.certifying.certification import BLOCK
from lightning_modules.encoders import PretrainedEncoder, TimmBackbone
from lightning_modules.encoders.feature_store import FeatureStore
from results.pages import markdown
from smoothing.certifiers import ExactVote
from smoothing.measures import LabelFlip
from smoothing.numerics.padding import filled
from smoothing.numerics.threads import one_thread
from smoothing.votes import PCA, Ballots, NearestNeighbours, Normalise, SpectralEmbedding
from smoothing.votes.features.transforms import apply_each, fit_all

FLIPS = (8, 24, 48)

WHITENING, COORDINATES, NEIGHBOURS = (0.0, 0.5, 1.0), (10, 20, 40), (160, 240, 320)
"""240 neighbours of 4,000 correspond to 3,000 of 50,000."""


def main(weights: bool | str = True) -> None:
    """Print the table."""
    data = CIFAR10(training="test[0:4000]", tests="test[4000:5000]")
    data.setup()
    inputs, labels = data.training_set()
    tests = data.test_set()
    encode = FeatureStore(PretrainedEncoder(TimmBackbone("tf_efficientnet_lite0", weights, size=192), "ImageNet"))
    with one_thread(), torch.no_grad():
        x = torch.cat([encode(filled(block, BLOCK)) for block in inputs.split(BLOCK)])[: len(inputs)]
        points = torch.cat([encode(tests[place][1][None]) for place in data.requested])
    truth = np.array([tests[place][2] for place in data.requested])
    rows: list[tuple[object, ...]] = []
    for power, coordinates in product(WHITENING, COORDINATES):
        transforms = [PCA(256, power), Normalise(), SpectralEmbedding(coordinates, 10), Normalise()]
        features, placed = fit_all(transforms, x.double()), apply_each(transforms, points.double())
        for neighbours in NEIGHBOURS:
            votes = NearestNeighbours(neighbours)
            votes.fit(features, labels, data.num_classes)
            ballots = Ballots(LabelFlip(0.1, 10), votes, placed, torch.tensor(data.requested), seed=0)
            found = ExactVote().certify(ballots)
            reached = np.where(np.asarray(found.prediction) == truth, np.asarray(found.radius), -1)
            shares = (float(np.mean(reached >= flips)) for flips in FLIPS)
            rows.append((f"{power}, {coordinates}, {neighbours}", *shares))
    print(markdown(("whitening, coordinates, neighbours", *(f"{flips} flips" for flips in FLIPS)), rows))


if __name__ == "__main__":
    main(*sys.argv[1:2])
