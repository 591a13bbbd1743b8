"""Not one bit of a feature or weight changes with the labels, whichever encoder, transform or vote it comes from."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from datamodules import Digits
from datamodules.texts import to_bytes
from lightning_modules import Encoder
from lightning_modules.encoders import (
    RICA,
    FastICA,
    KMeansPatches,
    PretrainedEncoder,
    RandomFilters,
    TfidfSVD,
    TimmBackbone,
)
from smoothing.provenance.origin import Origin
from smoothing.votes import (
    NTK,
    PCA,
    Centre,
    ClassSum,
    Clusters,
    KernelRidge,
    LinearVotes,
    NearestNeighbours,
    Normalise,
    Ridge,
    SpectralEmbedding,
    Transform,
    Whiten,
)

ENCODERS: dict[str, Callable[[], Encoder]] = {
    "k-means patches": lambda: KMeansPatches(8, 4, samples=200),
    "RICA": lambda: RICA(8, patch=4, samples=200, iterations=5),
    "random filters": lambda: RandomFilters(8, 4, samples=200),
    "FastICA": lambda: FastICA(5, iterations=20),
    "timm": lambda: PretrainedEncoder(TimmBackbone("resnet10t", channels=1, size=32, mean=[0.5], std=[0.5]), "noise"),
}

TRANSFORMS: dict[str, Callable[[], list[Transform]]] = {
    "centre": lambda: [Centre()],
    "normalise": lambda: [Normalise()],
    "PCA": lambda: [PCA(5), Normalise()],
    "whiten": lambda: [Whiten()],
    "spectral": lambda: [PCA(8), SpectralEmbedding(4, 5), Normalise()],
}

VOTES: dict[str, Callable[[list[Transform]], LinearVotes]] = {
    "ridge": lambda transforms: Ridge(transforms=transforms),
    "kernel ridge": lambda transforms: KernelRidge(NTK(1), transforms=transforms),
    "class sum": lambda transforms: ClassSum(1.0, transforms),
    "neighbours": lambda transforms: NearestNeighbours(9, transforms),
    "clusters": lambda transforms: Clusters(12, transforms=transforms, restarts=2),
}


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor, Tensor]:
    data = Digits(range(4))
    data.setup()
    x, labels = data.training_set()
    return x[:240], labels[:240], torch.stack([data.test_set()[i][1] for i in range(7)])


@pytest.mark.parametrize("encoder", ENCODERS)
def test_an_encoder_is_a_function_of_inputs_and_seed(encoder: str, digits: tuple[Tensor, Tensor, Tensor]) -> None:
    """It is never given a label. Nothing else may influence it, such as a global seed."""
    x, _, tests = digits
    features = []
    for seed in (1, 2):
        torch.manual_seed(0)  # a backbone without weights of its own is drawn
        made = ENCODERS[encoder]()
        torch.manual_seed(seed)
        made.serve(Origin("Digits", "train"))
        made.fit(x)
        features.append(torch.cat([made(one) for one in tests.split(1)]))
    assert features[0].ndim == 2
    assert features[0].dtype == torch.float32
    assert len(features[0].unique()) > 7
    assert not features[0].requires_grad
    assert torch.equal(*features)


@pytest.mark.parametrize("votes", VOTES)
@pytest.mark.parametrize("transforms", TRANSFORMS)
def test_weights_do_not_change_with_the_labels(
    votes: str, transforms: str, digits: tuple[Tensor, Tensor, Tensor]
) -> None:
    x, labels, tests = digits
    weights = []
    for given in (labels, labels.flip(0), (labels + 1) % 4, labels.sort().values):
        made = VOTES[votes](TRANSFORMS[transforms]())
        made.fit(x, given, 4)
        weights.append(made.scores(tests).weights)
    assert weights[0].abs().sum() > 0
    assert all(torch.equal(weights[0], others) for others in weights[1:])


def test_texts_too() -> None:
    texts = [f"the {word} film number {number} was {word}" for number, word in enumerate(["good", "bad", "long"] * 8)]
    features = []
    for _ in range(2):
        encoder = TfidfSVD(3, min_texts=2)
        encoder.fit(to_bytes(texts))
        features.append(encoder(to_bytes(texts[:4])))
    assert features[0].shape == (4, 3)
    assert torch.equal(*features)
