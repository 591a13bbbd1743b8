from typing import Any

import pytest
import torch
from torch import nn

from lightning_modules.objectives import (
    CATRS,
    DDN,
    MACER,
    PGD,
    Consistency,
    Noise,
    NoiseAugmentation,
    Objective,
    SmoothAdv,
    SmoothMix,
    Stability,
)
from smoothing.measures import Gaussian, GaussianMixture, SmoothingMeasure, Splitting

OBJECTIVES = {
    "noise augmentation": NoiseAugmentation(),
    "stability": Stability(),
    "consistency": Consistency(),
    "MACER": MACER(),
    "SmoothAdv with PGD": SmoothAdv(PGD(0.3), warm_up=0),
    "SmoothAdv with DDN": SmoothAdv(DDN(0.3), warm_up=0),
    "SmoothMix": SmoothMix(step=0.1, warm_up=0),
    "CAT-RS": CATRS(radius=0.3),
}
MEASURES = [Gaussian(0.2), GaussianMixture([0.1, 0.3]), Splitting(0.6)]


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: type(measure).__name__)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_training_reduces_the_loss_and_the_errors(name: str, measure: SmoothingMeasure) -> None:
    objective: Objective = OBJECTIVES[name]
    if reason := objective.supports(measure):
        pytest.skip(reason)
    torch.manual_seed(0)
    x = torch.rand(48, 1, 3, 3)
    labels = torch.arange(48) % 3
    # The class is the brightest row.
    x[torch.arange(48), 0, labels] = x[torch.arange(48), 0, labels] / 4 + 0.75
    x[x < 0.75] /= 3
    network = nn.Sequential(nn.Flatten(), nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.Adam(network.parameters(), 0.02)

    def known(seed: int) -> float:
        with torch.no_grad():
            return float(objective.loss(network, Noise(measure, (1, seed)), x, labels, 0))

    before = sum(map(known, range(8)))
    for step in range(60):
        optimizer.zero_grad()
        objective.loss(network, Noise(measure, (0, step)), x, labels, 0).backward()
        optimizer.step()
    assert sum(map(known, range(8))) < 0.9 * before
    assert (network(x).argmax(1) == labels).float().mean() > 0.95


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (NoiseAugmentation, {"draws": 0}, "NoiseAugmentation: draws = 0; must be at least 1"),
        (Stability, {"weight": -1}, "Stability: weight = -1; must be finite and at least 0"),
        (Consistency, {"draws": 1}, "Consistency: draws = 1; must be at least 2"),
        (Consistency, {"weight": float("inf")}, "Consistency: weight = inf; must be finite and at least 0"),
        (MACER, {"margin": 0}, "MACER: margin = 0; must be finite and above 0"),
        (MACER, {"deferred": -1}, "MACER: deferred = -1; must be at least 0"),
        (SmoothAdv, {"draws": 0}, "SmoothAdv: draws = 0; must be at least 1"),
        (SmoothMix, {"step": 0}, "SmoothMix: step = 0; must be finite and above 0"),
        (CATRS, {"radius": -1}, "CATRS: radius = -1; must be finite and above 0"),
    ],
)
def test_bad_arguments_are_refused(kind: type[Objective], arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        kind(**arguments)
