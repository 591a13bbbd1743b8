"""Votes: base functions, and what a batch says when it is put to them."""

from smoothing.votes.bagging import Bagging
from smoothing.votes.ballots import Ballots
from smoothing.votes.centroids import Centroids
from smoothing.votes.clusters import Clusters
from smoothing.votes.joint_clusters import JointClusters
from smoothing.votes.learner import Learner
from smoothing.votes.linear import LinearVotes, Scores
from smoothing.votes.neighbours import ClassSum, NearestNeighbours
from smoothing.votes.network import NetworkVotes
from smoothing.votes.partition import ByContent, ByHash, ByPosition, Partition, Stratified
from smoothing.votes.partitions import Partitions, Poll
from smoothing.votes.regularisation import Constant, Regularisation, Relative, RosenfeldRule
from smoothing.votes.ridge import Ridge
from smoothing.votes.transforms import PCA, Centre, Normalise, Transform, Whiten
from smoothing.votes.votes import CensusVotes, Votes

__all__ = [
    "PCA",
    "Bagging",
    "Ballots",
    "ByContent",
    "ByHash",
    "ByPosition",
    "CensusVotes",
    "Centre",
    "Centroids",
    "ClassSum",
    "Clusters",
    "Constant",
    "JointClusters",
    "Learner",
    "LinearVotes",
    "NearestNeighbours",
    "NetworkVotes",
    "Normalise",
    "Partition",
    "Partitions",
    "Poll",
    "Regularisation",
    "Relative",
    "Ridge",
    "RosenfeldRule",
    "Scores",
    "Stratified",
    "Transform",
    "Votes",
    "Whiten",
]
