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

    The tilt ``t`` is found on a subsample. The bound is then evaluated once on all points, rounded outward.

    Args:
        guarantee: Turns the bound into a radius. Default: `NeymanPearson`, which is tight.
        classifier: Smoothed classifier to certify (THEORY.md 4.2). The ``"mean"`` vote needs only the strongest rival,
            the ``"majority"`` vote the union of all rivals.
    """

    def __init__(self, guarantee: Guarantee | None = None, classifier: SmoothedClassifier = "mean") -> None:
        super().__init__(guarantee)
        self.classifier = classifier

    def log_bound(self, margin: Margin, tilt: Tensor, log_mgf: Float) -> Float:
        """Return Chernoff's bound unchanged."""
        return log_mgf

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify a batch.

        The mean vote never abstains (Rosenfeld et al. 2020, section 4.1). Without a certificate, the radius is 0. A
        guarantee holds for votes. That the *mean* keeps its class follows from the inequality of Donsker and Varadhan,
        ``t E_rho[s_i - s_i'] >= -K(t) - KL(rho || mu)``, which limits the radius. The limit is rarely reached: only if
        a change of few labels is almost certainly detected, as with many classes at large q.
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
