"""The certificate of clusters that are named jointly."""

import numpy as np

from smoothing.certificates.certificates import Certificates
from smoothing.certifiers.certifier import Certifier
from smoothing.measures.measure import SmoothingMeasure
from smoothing.measures.unchanged import changes_labels
from smoothing.votes.ballots import Ballots
from smoothing.votes.labels.joint_clusters import JointClusters, agreements
from smoothing.votes.votes import Votes


class JointNaming(Certifier):
    """Certified below half of the least lead in agreement over namings that rename the cluster (THEORY.md section 4).

    A flip moves the agreements of two namings against each other by at most 2. With two classes that is exact.
    """

    def supports(self, measure: SmoothingMeasure, votes: Votes) -> str | None:
        """Why the pair cannot be certified, or None; see `Certifier.supports`."""
        if not isinstance(votes, JointClusters):
            return f"{type(votes).__name__} names no clusters jointly"
        return votes.supports(measure) or changes_labels(measure)

    def certify(self, ballots: Ballots) -> Certificates:
        """Certify the names of clusters; it never abstains."""
        self.check(ballots)
        votes = ballots.votes
        assert isinstance(votes, JointClusters)
        table = votes.table(votes.labels)
        clusters, cluster_of = votes.cluster(ballots.x).unique(return_inverse=True)
        agreed = np.stack([agreements(table, c) for c in clusters.tolist()])
        name = agreed.argmax(1)
        # An equal agreement is a loss to the classes before the name only.
        lead = agreed.max(1, keepdims=True) - agreed + (name[:, None] < np.arange(votes.num_classes))
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
