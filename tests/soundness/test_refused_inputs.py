"""What a law does not speak of is refused, and not certified as if it did."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from mpmath import mp
from torch import Tensor, nn

from lightning_modules import Certification
from lightning_modules.learners import RidgeHead
from smoothing.certifiers import Certifier, ClopperPearson, ExactVote, JointNaming, Plurality, Staged, WhiteBox
from smoothing.measures import (
    CategoricalMeasure,
    Discrete,
    Gaussian,
    LabelFlip,
    Laplace,
    Rounded,
    SmoothingMeasure,
    SparseDiscrete,
    Splitting,
    Subsample,
    UnchangedLabels,
)
from smoothing.numerics.binomial import upper_bound
from smoothing.numerics.random import generator
from smoothing.votes import (
    Bagging,
    Ballots,
    ByPosition,
    JointClusters,
    LogisticHead,
    NetworkVotes,
    Partitions,
    RetrainedVotes,
    Ridge,
    RosenfeldRule,
    Votes,
)


class Between(nn.Module):
    """Knows the pixels 0.3 and 0.7, which two-valued noise makes of 0.3 alone."""

    def forward(self, x: Tensor) -> Tensor:
        known = ((x - 0.3).abs() < 1e-4) | ((x - 0.7).abs() < 1e-4)
        seen = known.flatten(1).all(1).float()
        return torch.stack([seen, 1 - seen], 1)


@pytest.mark.parametrize("measure", [SparseDiscrete(0.2, 0.2), Discrete(0.2, 2)], ids=["sparse", "discrete"])
@pytest.mark.parametrize("value", [0.31, -1.0, 2.0, float("nan"), float("inf")])
def test_discrete_noise_on_anything_but_values_is_refused(measure: CategoricalMeasure, value: float) -> None:
    x = torch.zeros(1, 1, 1, 2)
    x[..., 1] = value
    with pytest.raises(ValueError, match=r"Discrete: value = \S+; must be a whole number within 0 .. 1$"):
        ClopperPearson(n0=10, n=100).certify(Ballots(measure, NetworkVotes(Between(), 2), x, torch.arange(1), 0))


def test_so_many_levels_that_any_pixel_is_near_one_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Rounded: num_levels = 1000001; must be within 2 .. 65536"):
        Rounded(Gaussian(0.1), 10**6 + 1)


def test_noise_that_is_cut_off_is_refused() -> None:
    """Where it is, levels are added to one and the same number."""
    measure = Rounded(Gaussian(1e20), 2**16)
    with pytest.raises(ValueError, match=r"Rounded: noise = .* levels; must be at most 9007199254740992"):
        measure.sample(torch.zeros(9, dtype=torch.float64), generator((0,)))


def test_votes_that_depend_on_other_draws_are_refused() -> None:
    network = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(2, track_running_stats=False), nn.Linear(2, 2))
    with pytest.raises(
        ValueError, match="NetworkVotes: 1 of the network normalises by batch statistics; must use running statistics"
    ):
        NetworkVotes(network, 2)


@pytest.mark.parametrize(
    ("count", "n", "alpha"),
    [
        (1, 98676743, 7.11767230928218e-187),
        (2, 155450263, 1.104739968177479e-154),
        (1, 93746317, 8.793955104577832e-26),
    ],
)
def test_bounds_of_very_many_draws_are_outward(count: int, n: int, alpha: float) -> None:
    with mp.workdps(60):
        p = mp.mpf(float(upper_bound(np.array(count), n, alpha)))
        tail = mp.fsum(mp.binomial(n, k) * p**k * (1 - p) ** (n - k) for k in range(count + 1))
        assert tail <= mp.mpf(alpha)
        assert tail >= mp.mpf(alpha) * (1 - mp.mpf(10) ** -9)


@pytest.mark.parametrize("shares", [[1.0, 1e-16], [0.1, 0.7, 0.1, 0.1], [1e16, 1.0, 1.0], [3.0]])
def test_stages_spend_no_more_than_alpha(shares: list[float]) -> None:
    staged = Staged(1.0, stages=range(100, len(shares) + 100), shares=shares, joint=7)
    assert sum(map(Fraction, staged.levels)) <= Fraction(0.001) / 7


@pytest.mark.parametrize("votes", [NetworkVotes(Between(), 2), RetrainedVotes(RidgeHead())], ids=lambda v: v.object)
def test_radii_of_features_do_not_pass_for_radii_of_inputs(votes: Votes) -> None:
    class Encoding(nn.Module):
        assumptions = ()

    with pytest.raises(ValueError, match=f"encoder = Encoding; must be none for votes on the {votes.object}, since"):
        Certification(Gaussian(1.0), votes, {"exact": ExactVote()}, encoder=Encoding())  # type: ignore[arg-type]


LABEL_VOTES: list[tuple[Votes, Certifier]] = [
    (Ridge(), ClopperPearson(n0=2, n=16)),
    (Ridge(), ExactVote()),
    (JointClusters(), ClopperPearson(n0=2, n=16)),
    (JointClusters(), JointNaming()),
    (Bagging(Ridge()), ClopperPearson(n0=2, n=16)),
    (LogisticHead(), ClopperPearson(n0=2, n=16)),
    (Partitions(Ridge(), 2), Plurality()),
    (Partitions(Ridge(), 2), WhiteBox()),
]


@pytest.mark.parametrize(("votes", "certifier"), LABEL_VOTES, ids=lambda made: type(made).__name__)
@pytest.mark.parametrize("classes", [2, 4])
def test_noise_on_labels_of_other_classes_is_refused(votes: Votes, certifier: Certifier, classes: int) -> None:
    """Before anything is written: a draw of a class that the data does not have is an error in the middle of a run."""
    votes.fit(torch.randn(9, 2), torch.arange(9) % 3, 3)
    steady = isinstance(votes, Partitions) or isinstance(certifier, JointNaming)
    measure = UnchangedLabels(classes) if steady else LabelFlip("0.1", classes)
    assert certifier.supports(measure, votes) == f"{type(measure).__name__} has {classes} classes, the data has 3"


@pytest.mark.parametrize("measure", [Gaussian(0.5), Laplace(0.5), Splitting(0.5)], ids=lambda made: type(made).__name__)
@pytest.mark.parametrize("votes", [Ridge(), JointClusters(), Bagging(Ridge())], ids=lambda made: type(made).__name__)
def test_noise_for_numbers_is_refused_on_labels(measure: SmoothingMeasure, votes: Votes) -> None:
    votes.fit(torch.randn(9, 2), torch.arange(9) % 3, 3)
    assert (
        votes.supports(measure)
        == f"{type(measure).__name__} has radii in {measure.distance.unit}: it is not for labels"
    )


@pytest.mark.parametrize("votes", [JointClusters(), LogisticHead()], ids=lambda made: type(made).__name__)
def test_hidden_labels_are_refused_where_all_are_needed(votes: Votes) -> None:
    votes.fit(torch.randn(9, 2), torch.arange(9) % 3, 3)
    certifier = ClopperPearson(n0=2, n=16)
    assert certifier.supports(Subsample(4), votes) == "Subsample has no channel: it may hide labels, and all are needed"
    assert certifier.supports(LabelFlip("0.1", 3), votes) is None
    assert certifier.supports(Subsample(4), Ridge()) is None


def test_the_papers_lambda_of_a_single_class_is_refused() -> None:
    votes = Partitions(Ridge(RosenfeldRule(0.1)), 2, partition=ByPosition())
    with pytest.raises(ValueError, match=r"^RosenfeldRule: all labels are of class 0; must be another rule$"):
        votes.fit(torch.randn(12, 2), torch.tensor([0, 1] * 6), 2)
