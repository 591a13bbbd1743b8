"""The bits of a radius do not depend on other examples in the batch."""

import numpy as np
import pytest

from smoothing.guarantees import KL, Guarantee, NeymanPearson, VoteBound
from smoothing.measures import Discrete, Gaussian, GaussianMixture, SmoothingMeasure, SparseDiscrete, UniformLinf

MEASURES = [
    Gaussian(0.5),
    GaussianMixture([0.25, 1.0]),
    GaussianMixture([0.1, 0.3, 2.0], [1, 5, 2]),
    UniformLinf(1.0),
    Discrete(0.3, 5),
    SparseDiscrete(0.1, 0.3),
]


@pytest.mark.parametrize("guarantee", [NeymanPearson(), KL()], ids=["tight", "kl"])
@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: type(measure).__name__)
def test_radii_are_those_of_examples_alone(measure: SmoothingMeasure, guarantee: Guarantee) -> None:
    rng = np.random.default_rng(0)
    log_fail = np.log(rng.random(20) * 0.45)
    bound = VoteBound(log_fail, log_fail - rng.random(20))
    together = guarantee.radius(measure, bound, (10,))
    alone = [
        guarantee.radius(measure, VoteBound(bound.log_fail[[row]], bound.log_rival[[row]]), (10,))[0]
        for row in range(20)
    ]
    assert together.tolist() == alone
