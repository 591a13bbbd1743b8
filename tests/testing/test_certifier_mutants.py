"""Wrong certifiers fail the conformance tests with default fixtures."""

import inspect
from collections.abc import Sequence
from dataclasses import replace
from types import FunctionType

import numpy as np
import pytest
import torch

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers import (
    Certifier,
    Chernoff,
    ClopperPearson,
    ExactVote,
    Prediction,
    RandomisedClopperPearson,
    Sequential,
    Staged,
)
from smoothing.certifiers.exact.flips import flips_against
from smoothing.certifiers.exact.mean_vote import mean_scores, whole_channel
from smoothing.certifiers.sampled.sampled_certifier import ESTIMATION, Classes, Tally
from smoothing.guarantees import NeymanPearson, VoteBound
from smoothing.numerics.rounding import Float
from smoothing.testing import CertifierConformance
from smoothing.testing.brute_force import flips, mean_standings
from smoothing.votes import Ballots


class SameDraws(ClopperPearson):
    """Selects the class on the draws that bound its vote."""

    def select(self, ballots: Ballots) -> Classes:
        return np.asarray(ballots.counts(self.n, ESTIMATION).numpy().argmax(1), np.int64)


class SomeOfTheSameDraws(ClopperPearson):
    """Selects the class on the first of the draws that bound its vote."""

    def __init__(self) -> None:
        super().__init__(n0=900, n=1_000)

    def select(self, ballots: Ballots) -> Classes:
        return np.asarray(ballots.counts(self.n0, ESTIMATION).numpy().argmax(1), np.int64)


class NoMargin(ClopperPearson):
    """Uses the observed share of lost votes as the bound."""

    def upper_bound(self, ballots: Ballots, count: Classes, alpha: float) -> Float:
        return np.maximum(count, 1) / self.n


class TooSmallMargin(ClopperPearson):
    """Bounds votes at 100 times the failure probability that it states."""

    def upper_bound(self, ballots: Ballots, count: Classes, alpha: float) -> Float:
        return super().upper_bound(ballots, count, 100 * alpha)


class ForgetsTheMeasure(ClopperPearson):
    """States what the votes assume, and not what the measure assumes."""

    def certify(self, ballots: Ballots) -> Certificates:
        return replace(super().certify(ballots), assumptions=ballots.votes.assumptions)


class ForgetsTheVotes(ExactVote):
    """States what the measure assumes, and not what the votes assume."""

    def certify(self, ballots: Ballots) -> Certificates:
        return replace(super().certify(ballots), assumptions=ballots.measure.assumptions)


class OneMoreAtTheBoundary(ClopperPearson):
    """Accepts bounds that are slightly too large for a radius."""

    def certify(self, ballots: Ballots) -> Certificates:
        made = super().certify(ballots)
        bound = VoteBound.one_sided(made.log_fail - 0.01)
        radius = NeymanPearson().radius(ballots.measure, bound, ballots.shape)
        return replace(made, radius=np.where(made.prediction >= 0, radius, 0))


class OneMoreEverywhere(ClopperPearson):
    """Certifies one unit more, and states no bounds."""

    def certify(self, ballots: Ballots) -> Certificates:
        made = super().certify(ballots)
        largest = ballots.measure.diameter(ballots.shape)
        radius = np.where(made.radius > 0, np.minimum(made.radius + 1, largest), made.radius)
        return replace(made, radius=radius, log_fail=None, log_rival=None)


class WinsTies(ExactVote):
    """Lets the predicted class win every tie."""

    def certify(self, ballots: Ballots) -> Certificates:
        made = super().certify(ballots)
        scores, channel = ballots.scores, ballots.measure.channel
        radius = []
        for row, winner in enumerate(made.prediction.tolist()):
            standings = mean_standings(scores, row, channel)
            lost = flips(scores.labels.tolist(), scores.num_classes)[(standings > standings[:, [winner]]).any(1)]
            radius.append(float(lost.min() - 1 if len(lost) else len(scores.labels)))
        return replace(made, radius=np.array(radius))


class NeverAbstains(ClopperPearson):
    """Predicts where the vote is undecided."""

    def certify(self, ballots: Ballots) -> Certificates:
        return replace(super().certify(ballots), prediction=self.select(ballots))


class CertifiesAbstentions(ClopperPearson):
    """Gives a radius where it abstains."""

    def certify(self, ballots: Ballots) -> Certificates:
        made = super().certify(ballots)
        return replace(made, radius=np.where(made.prediction < 0, 1.0, made.radius))


class ClaimsCertainty(ClopperPearson):
    """States that its sampled certificates cannot fail."""

    def certify(self, ballots: Ballots) -> Certificates:
        return replace(super().certify(ballots), deterministic=True, alpha=None)


class OthersCounts(ClopperPearson):
    """Reports the counts of the other class."""

    def certify(self, ballots: Ballots) -> Certificates:
        made = super().certify(ballots)
        return replace(made, n_a=made.n_b, n_b=made.n_a)


class WrongCounts(ClopperPearson):
    """Reports a count that differs from the draws by one."""

    def certify(self, ballots: Ballots) -> Certificates:
        made = super().certify(ballots)
        return replace(made, n_a=np.maximum(made.n_a - 1, 0))


class SharesAlpha(ClopperPearson):
    """Divides alpha by the number of examples in the batch."""

    def upper_bound(self, ballots: Ballots, count: Classes, alpha: float) -> Float:
        return super().upper_bound(ballots, count, alpha / len(count))


class Smooths(ExactVote):
    """Gives every row at most the radius of the row before it."""

    def certify(self, ballots: Ballots) -> Certificates:
        made = super().certify(ballots)
        return replace(made, radius=np.minimum.accumulate(made.radius))


class KnowsTheLabels(ExactVote):
    """Gives a radius only where the prediction agrees with the test label."""

    def certify(self, ballots: Ballots) -> Certificates:
        made = super().certify(ballots)
        labels = torch.tensor([0, 1, 0, 0, 1, 1, 0, 1]).repeat(1_000)[ballots.index // 3 + ballots.index]
        return replace(made, radius=np.where(made.prediction == labels.numpy(), made.radius, 0))


class AlwaysSound(ClopperPearson):
    """States that certificates are sound although the samples of the measure are rounded."""

    def certify(self, ballots: Ballots) -> Certificates:
        return replace(super().certify(ballots), sound=True)


class Retries(ClopperPearson):
    """Uses the best of three samples at the failure probability of one."""

    def __init__(self) -> None:
        super().__init__(n=1_000)

    def certify(self, ballots: Ballots) -> Certificates:
        self.check(ballots)
        winner = self.select(ballots)
        counts = np.stack([ballots.counts(self.n, stream).numpy() for stream in (1, 2, 3)])
        best = counts[:, np.arange(len(winner)), winner].argmax(0)
        tally = Tally.of(counts[best, np.arange(len(winner))], winner)
        return self.bounded(ballots, winner, tally, self._bound(ballots, tally, counts.shape[2]))


class OnlyTheRunnerUp(ExactVote):
    """Compares the winner with the class of the second largest score alone."""

    def certify(self, ballots: Ballots) -> Certificates:
        certificates, channel = super().certify(ballots), ballots.measure.channel
        assert channel is not None
        winner, against = flips_against(ballots.scores, channel)
        scores = mean_scores(ballots.scores, whole_channel(channel)).astype(float)
        rows = np.arange(len(winner))
        scores[rows, winner] = -np.inf
        return replace(certificates, radius=against[rows, scores.argmax(1)])


class LeavesOutAtTies(ExactVote):
    """Certified sets that add a class one change too late where it is not the nearest one."""

    def __init__(self) -> None:
        super().__init__(sets=True)

    def certify(self, ballots: Ballots) -> Certificates:
        certificates = super().certify(ballots)
        assert certificates.flips_to is not None
        later = certificates.flips_to > certificates.radius[:, None] + 1
        return replace(certificates, flips_to=certificates.flips_to + later)


class SetsWithinTheRadius(ExactVote):
    """Certified sets that contain a class at the radius."""

    def __init__(self) -> None:
        super().__init__(sets=True)

    def certify(self, ballots: Ballots) -> Certificates:
        certificates = super().certify(ballots)
        assert certificates.flips_to is not None
        return replace(certificates, flips_to=np.maximum(certificates.flips_to - 1, 0))


class UpToThreeClasses(ExactVote):
    """Certifies everything where there are more than three classes."""

    def certify(self, ballots: Ballots) -> Certificates:
        certificates = super().certify(ballots)
        if ballots.votes.num_classes <= 3:
            return certificates
        return replace(certificates, radius=np.full_like(certificates.radius, ballots.measure.diameter(ballots.shape)))


class LinearArithmetic(Chernoff):
    """Computes ``p_A = 1 - f``, which rounds to 1 for small ``f``."""

    def certify(self, ballots: Ballots) -> Certificates:
        certificates = super().certify(ballots)
        assert certificates.log_fail is not None
        with np.errstate(divide="ignore"):
            fail = np.minimum(np.log(np.maximum(1 - (1 - np.exp(certificates.log_fail) * (1 + 1e-3)), 0)), 0)
        radius = NeymanPearson().radius(ballots.measure, VoteBound.one_sided(fail), ballots.shape)
        return replace(certificates, radius=radius)


MUTANTS = [
    (SameDraws(), "fail_no_more_often"),
    (SomeOfTheSameDraws(), "fail_no_more_often"),
    (NoMargin(), "fail_no_more_often"),
    (TooSmallMargin(), "fail_no_more_often"),
    (Retries(), "fail_no_more_often"),
    (ForgetsTheMeasure(), "assumptions"),
    (ForgetsTheVotes(), "assumptions"),
    (OneMoreAtTheBoundary(), "follows_from_the_bounds"),
    (OneMoreEverywhere(), "fail_no_more_often"),
    (WinsTies(), "never_above_the_truth"),
    (NeverAbstains(), "fail_no_more_often"),
    (CertifiesAbstentions(), "abstention"),
    (ClaimsCertainty(), "fail_no_more_often"),
    (OthersCounts(), "counts_are_those"),
    (WrongCounts(), "counts_are_those"),
    (SharesAlpha(), "depend_on_the_batch"),
    (Smooths(), "depend_on_the_batch"),
    (KnowsTheLabels(), "depend_on_the_position"),
    (AlwaysSound(), "sound"),
    (OnlyTheRunnerUp(), "never_above_the_truth"),
    (LeavesOutAtTies(), "never_above_the_truth"),
    (SetsWithinTheRadius(), "sets_agree_with_the_radius"),
    (UpToThreeClasses(), "never_above_the_truth"),
    (LinearArithmetic(classifier="majority"), "tiny_failure"),
]


def failed(certifier: Certifier, only: str = "") -> list[str]:
    """Return the names of the conformance tests that a certifier fails with default fixtures."""
    suite, failures = CertifierConformance(), []
    ballots: Sequence[Ballots] = inspect.unwrap(suite.ballots)(suite, certifier)
    given = {"certifier": certifier, "ballots": ballots, "answers": [(b, certifier.certify(b)) for b in ballots]}
    for name, test in vars(CertifierConformance).items():
        if isinstance(test, FunctionType) and name.startswith("test_") and only in name:
            try:
                test(suite, **{k: given[k] for k in inspect.signature(test).parameters if k in given})
            except AssertionError:
                failures.append(name)
    return failures


@pytest.mark.parametrize(("certifier", "test"), MUTANTS, ids=lambda value: type(value).__name__)
def test_a_wrong_certifier_fails_the_test_that_is_meant_for_it(certifier: Certifier, test: str) -> None:
    assert any(test in name for name in failed(certifier, test))


@pytest.mark.parametrize(
    "certifier",
    [
        ClopperPearson(),
        Prediction(),
        *(
            pytest.param(certifier, marks=pytest.mark.slow)
            for certifier in (
                ClopperPearson(two_sided=True),
                RandomisedClopperPearson(n=1_000, alpha=0.02),
                Sequential([0, 1, 2, 3]),
                Staged(2),
            )
        ),
    ],
    ids=lambda certifier: type(certifier).__name__,
)
def test_certifiers_at_their_defaults_fail_no_more_often_than_stated(certifier: Certifier) -> None:
    assert not failed(certifier, "fail_no_more_often")
