"""Votes: base functions and their predictions of randomised objects, counted by class.

New votes are a subclass of `Votes`, `LabelVotes` or `LinearVotes`, exported here.
"""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from smoothing.votes.ballots import Ballots
    from smoothing.votes.features.spectral import SpectralEmbedding
    from smoothing.votes.features.transforms import PCA, Centre, Logarithm, Normalise, Transform, Whiten
    from smoothing.votes.labels.centroids import Centroids
    from smoothing.votes.labels.clusters import Clusters
    from smoothing.votes.labels.joint_clusters import JointClusters
    from smoothing.votes.labels.kernel_ridge import KernelRidge
    from smoothing.votes.labels.kernels import NTK, RBF, Kernel
    from smoothing.votes.labels.linear import LinearVotes, Scores
    from smoothing.votes.labels.neighbours import ClassSum, NearestNeighbours
    from smoothing.votes.labels.regularisation import Constant, Regularisation, Relative, RosenfeldRule
    from smoothing.votes.labels.ridge import Ridge, RidgeVotes
    from smoothing.votes.network import NetworkVotes
    from smoothing.votes.parts.bagging import Bagging
    from smoothing.votes.parts.logistic import LogisticHead
    from smoothing.votes.parts.part_learner import PartLearner
    from smoothing.votes.parts.part_votes import PartVotes, Poll
    from smoothing.votes.parts.partition_rules import ByContent, ByHash, ByPosition, Partition, Stratified
    from smoothing.votes.parts.partitions import Partitions
    from smoothing.votes.parts.scikit_learn import SklearnLearner
    from smoothing.votes.parts.trained_partitions import TrainedPartitions
    from smoothing.votes.retrained.body import Body
    from smoothing.votes.retrained.draws import (
        Draw,
        DrawShard,
        FinishedDraw,
        MissingDrawsError,
        Predictions,
        read_draws,
    )
    from smoothing.votes.retrained.kept_votes import KeptVotes
    from smoothing.votes.retrained.learner import Learner, winner
    from smoothing.votes.retrained.retrained_votes import RetrainedVotes
    from smoothing.votes.scikit_learn import SklearnVotes
    from smoothing.votes.votes import CensusVotes, LabelVotes, Votes

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = [
    "NTK",
    "PCA",
    "RBF",
    "Bagging",
    "Ballots",
    "Body",
    "ByContent",
    "ByHash",
    "ByPosition",
    "CensusVotes",
    "Centre",
    "Centroids",
    "ClassSum",
    "Clusters",
    "Constant",
    "Draw",
    "DrawShard",
    "FinishedDraw",
    "JointClusters",
    "KeptVotes",
    "Kernel",
    "KernelRidge",
    "LabelVotes",
    "Learner",
    "LinearVotes",
    "Logarithm",
    "LogisticHead",
    "MissingDrawsError",
    "NearestNeighbours",
    "NetworkVotes",
    "Normalise",
    "PartLearner",
    "PartVotes",
    "Partition",
    "Partitions",
    "Poll",
    "Predictions",
    "Regularisation",
    "Relative",
    "RetrainedVotes",
    "Ridge",
    "RidgeVotes",
    "RosenfeldRule",
    "Scores",
    "SklearnLearner",
    "SklearnVotes",
    "SpectralEmbedding",
    "Stratified",
    "TrainedPartitions",
    "Transform",
    "Votes",
    "Whiten",
    "read_draws",
    "winner",
]
