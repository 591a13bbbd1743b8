"""Chernoff's bound on a linear vote: the certificate of Rosenfeld et al. (2020)."""

from torch import Tensor

from smoothing.certificates.certificates import Certificates, SmoothedClassifier
from smoothing.certifiers.analytic.analytic_certifier import AnalyticCertifier
from smoothing.certifiers.analytic.margin import Margin
from smoothing.guarantees import Guarantee, VoteBound, cut_to_divergence
from smoothing.numerics.rounding import Float
from smoothing.votes.ballots import Ballots


class Chernoff(AnalyticCertifier):
    """``log Pr[s_i <= s_i'] <= min_t K(t)`` (Rosenfeld et al. 2020, eq. 6 and B.2; THEORY.md 4.1).

    The tilt ``t`` is sought cheaply and the bound then evaluated once on all points, every rounding outward.

    Args:
        guarantee: How the bound becomes a radius; tight unless given.
        classifier: Which smoothed classifier is certified (THEORY.md 4.2). The ``"mean"`` vote needs only the worst
            rival, the ``"majority"`` the union of all.
    """

    def __init__(self, guarantee: Guarantee | None = None, classifier: SmoothedClassifier = "mean") -> None:
        super().__init__(guarantee)
        self.classifier = classifier

    def log_bound(self, margin: Margin, tilt: Tensor, log_mgf: Float) -> Float:
        """Chernoff's bound as it is."""
        return log_mgf

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify a batch.

        On the mean vote this never abstains (Rosenfeld et al. 2020, section 4.1): without a certificate the radius is
        0. A guarantee speaks of votes; that the *mean* keeps its class too follows from the inequality of Donsker and
        Varadhan, ``t E_rho[s_i - s_i'] >= -K(t) - KL(rho || mu)``, so no radius may exceed what that allows. It seldom
        matters: only where one change of few labels is nearly certain to be seen, as with many classes at large q.
        """
        if self.classifier == "majority":
            return super().certify(ballots)
        winner, caught = self.bounds(ballots, spare=0)
        bound = VoteBound.one_sided(caught.max(1))
        votes = self.guarantee.radius(ballots.measure, bound, ballots.shape)
        return Certificates(
            prediction=winner,
            radius=cut_to_divergence(ballots.measure, votes, -bound.log_fail, ballots.shape),
            classifier="mean",
            deterministic=True,
            sound=True,
            assumptions=ballots.assumptions,
            log_fail=bound.log_fail,
            log_rival=bound.log_rival,
        )
