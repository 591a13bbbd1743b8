"""Certificates of jointly named clusters."""

import numpy as np

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.certifier import Certifier
from smoothing.measures.measure import SmoothingMeasure
from smoothing.measures.unchanged import changes_labels
from smoothing.votes.ballots import Ballots
from smoothing.votes.labels.joint_clusters import JointClusters, agreements
from smoothing.votes.votes import Votes


class JointNaming(Certifier):
    """Certifies the name that the best joint naming gives to the cluster of an input (THEORY.md section 4).

    A flip changes the difference between the agreements of two namings by at most 2. The radius is therefore below half
    of the smallest lead over all namings that rename the cluster. It is exact for two classes.
    """

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Return why the pair is not supported, or None; see `Certifier.supports`."""
        if not isinstance(votes, JointClusters):
            return f"{type(votes).__name__} has no jointly named clusters"
        return votes.supports(measure) or changes_labels(measure)

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the names of clusters, without abstention."""
        self.check(ballots)
        votes = ballots.votes
        assert isinstance(votes, JointClusters)
        table = votes.table(votes.labels)
        clusters, cluster_of = votes.cluster(ballots.x).unique(return_inverse=True)
        agreed = np.stack([agreements(table, c) for c in clusters.tolist()])
        name = agreed.argmax(1)
        # One naming is the best for every cluster. In a tie, the class with the smaller number wins.
        lead = agreed.max() - agreed + (name[:, None] < np.arange(votes.num_classes))
        np.put_along_axis(lead, name[:, None], np.iinfo(lead.dtype).max, 1)
        radius = (lead.min(1) - 1) // 2
        return Certificates(
            prediction=name[cluster_of.numpy()],
            radius=radius[cluster_of.numpy()].astype(np.float64),
            classifier="majority",
            deterministic=True,
            sound=True,
            assumptions=ballots.assumptions,
        )
