"""Votes: base functions, and what a batch says when it is put to them."""

from smoothing.votes.ballots import Ballots
from smoothing.votes.clusters import Clusters
from smoothing.votes.linear import LinearVotes, Scores
from smoothing.votes.neighbours import ClassSum, NearestNeighbours
from smoothing.votes.network import NetworkVotes
from smoothing.votes.regularisation import Constant, Regularisation, Relative, RosenfeldRule
from smoothing.votes.ridge import Ridge
from smoothing.votes.transforms import PCA, Centre, Normalise, Transform, Whiten
from smoothing.votes.votes import CensusVotes, Votes

__all__ = [
    "PCA",
    "Ballots",
    "CensusVotes",
    "Centre",
    "ClassSum",
    "Clusters",
    "Constant",
    "LinearVotes",
    "NearestNeighbours",
    "NetworkVotes",
    "Normalise",
    "Regularisation",
    "Relative",
    "Ridge",
    "RosenfeldRule",
    "Scores",
    "Transform",
    "Votes",
    "Whiten",
]
