"""Votes: base functions, and what a batch says when it is put to them."""

from smoothing.votes.bagging import Bagging
from smoothing.votes.ballots import Ballots
from smoothing.votes.body import Body
from smoothing.votes.centroids import Centroids
from smoothing.votes.clusters import Clusters
from smoothing.votes.draws import Draw, DrawShard, FinishedDraw, MissingDrawsError, Predictions, read_draws
from smoothing.votes.joint_clusters import JointClusters
from smoothing.votes.learner import Learner, winner
from smoothing.votes.linear import LinearVotes, Scores
from smoothing.votes.logistic import LogisticHead
from smoothing.votes.neighbours import ClassSum, NearestNeighbours
from smoothing.votes.network import NetworkVotes
from smoothing.votes.part_learner import PartLearner
from smoothing.votes.partition import ByContent, ByHash, ByPosition, Partition, Stratified
from smoothing.votes.partitions import Partitions, Poll
from smoothing.votes.regularisation import Constant, Regularisation, Relative, RosenfeldRule
from smoothing.votes.retrained import RetrainedVotes
from smoothing.votes.ridge import Ridge
from smoothing.votes.spectral import SpectralEmbedding
from smoothing.votes.transforms import PCA, Centre, Logarithm, Normalise, Transform, Whiten
from smoothing.votes.votes import CensusVotes, LabelVotes, Votes

__all__ = [
    "PCA",
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
    "Partition",
    "Partitions",
    "Poll",
    "Predictions",
    "Regularisation",
    "Relative",
    "RetrainedVotes",
    "Ridge",
    "RosenfeldRule",
    "Scores",
    "SpectralEmbedding",
    "Stratified",
    "Transform",
    "Votes",
    "Whiten",
    "read_draws",
    "winner",
]
