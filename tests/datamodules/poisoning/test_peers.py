"""Poison Frogs and Bullseye Polytope against the adversarial-robustness-toolbox, an independent implementation."""

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip("art", reason="needs adversarial-robustness-toolbox, as in the extra dev")

from art.attacks.poisoning import FeatureCollisionAttack
from art.attacks.poisoning.bullseye_polytope_attack import loss_from_center
from art.estimators.classification import PyTorchClassifier

from datamodules.poisoning import Budget, BullseyePolytope, PoisonFrogs
from tests.datamodules.poisoning.small import SHAPE, body, digits, setup

FEATURES = 2
"""Number of the layer with the features, in their class."""


def theirs(network: nn.Module) -> PyTorchClassifier:
    assert isinstance(network, nn.Sequential)
    whole = nn.Sequential(*network, nn.Linear(144, 3))
    return PyTorchClassifier(whole, nn.CrossEntropyLoss(), SHAPE, 3, clip_values=(0, 1), device_type="cpu")


def target() -> torch.Tensor:
    return digits().test_set()[setup().target][1][None]


def bases() -> torch.Tensor:
    return digits().training_set()[0][list(setup().bases[:2])]


def relative(images: torch.Tensor) -> torch.Tensor:
    """Distances from the target in feature space, relative to those of the bases."""
    before, after = ((body()(x) - body()(target())).norm(dim=1) for x in (bases(), images))
    return after / before


@pytest.mark.filterwarnings("ignore")
def test_bullseye_has_the_same_loss_before_and_after() -> None:
    """Their loop is not compared: it takes the features of the bases for those of the target (release 1.20.1)."""
    networks = [body(0), body(1)]
    poisons = BullseyePolytope(40).craft(digits(), setup(), Budget(2, 16 / 255), networks)
    centres = [network(target()) for network in networks]
    for images, loss in ((bases(), poisons.loss_before), (poisons.images, poisons.loss_after)):
        known = loss_from_center([theirs(each) for each in networks], centres, lambda x=images: x, 1, False, FEATURES)
        assert loss == pytest.approx(float(known), rel=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_frogs_follow_the_same_gradient_to_the_same_collision() -> None:
    attack = FeatureCollisionAttack(
        theirs(body()), target().numpy(), FEATURES, 0.05, 0.9, max_iter=250, similarity_coeff=1e-9, verbose=False
    )
    first = bases()[:1].requires_grad_()
    (gradient,) = torch.autograd.grad((body()(first) - body()(target())).square().sum(), first)
    known = attack.estimator.custom_loss_gradient(
        attack.attack_loss, first.detach().numpy().copy(), target().numpy(), FEATURES
    )
    distance = float((body()(first) - body()(target())).norm().detach())
    # Theirs is the gradient of the distance, ours of its square.
    assert torch.allclose(gradient, 2 * distance * torch.from_numpy(np.asarray(known)).view_as(gradient), rtol=1e-3)

    crafted, _ = attack.poison(bases().numpy())
    own = PoisonFrogs(250, 0.3, penalty=0, mixed=0, tolerance=0).craft(digits(), setup(), Budget(2, 1.0), [body()])
    assert relative(torch.from_numpy(crafted)).max() < 0.03
    assert relative(own.images).max() < 0.03
