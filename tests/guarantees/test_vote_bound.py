"""Invalid vote bounds raise one clear message."""

import numpy as np
import pytest
import torch

from smoothing.guarantees import VoteBound

GOOD = np.log([0.1, 0.2])


@pytest.mark.parametrize(
    "bad", [[-1.0, -2.0], torch.tensor([-1.0, -2.0]), np.float32(GOOD), GOOD[None], np.array([-1, -2]), -1.0]
)
def test_other_types_are_refused(bad: np.ndarray) -> None:
    for bounds in ((bad, GOOD), (GOOD, bad)):
        with pytest.raises(ValueError, match=r"^VoteBound: log_\w+ = .+; must be a float64 NumPy array of shape"):
            VoteBound(*bounds)


def test_values_that_are_no_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^VoteBound: log_fail = nan; must be logarithms of probabilities"):
        VoteBound(np.array([np.nan, -1]), GOOD)
    with pytest.raises(ValueError, match=r"^VoteBound: log_rival = 1 rows; must be as many as log_fail, 2"):
        VoteBound(GOOD, GOOD[:1])
