"""Votes: base functions, and what a batch says when it is put to them."""

from smoothing.votes.ballots import Ballots
from smoothing.votes.body import Body
from smoothing.votes.clusters import Clusters
from smoothing.votes.draws import Draw, DrawShard, MissingDrawsError, Predictions, read_draws
from smoothing.votes.learner import Learner, winner
from smoothing.votes.linear import LinearVotes, Scores
from smoothing.votes.neighbours import ClassSum, NearestNeighbours
from smoothing.votes.network import NetworkVotes
from smoothing.votes.regularisation import Constant, Regularisation, Relative, RosenfeldRule
from smoothing.votes.retrained import RetrainedVotes
from smoothing.votes.ridge import Ridge
from smoothing.votes.transforms import PCA, Centre, Normalise, Transform, Whiten
from smoothing.votes.votes import CensusVotes, Votes

__all__ = [
    "PCA",
    "Ballots",
    "Body",
    "CensusVotes",
    "Centre",
    "ClassSum",
    "Clusters",
    "Constant",
    "Draw",
    "DrawShard",
    "Learner",
    "LinearVotes",
    "MissingDrawsError",
    "NearestNeighbours",
    "NetworkVotes",
    "Normalise",
    "Predictions",
    "Regularisation",
    "Relative",
    "RetrainedVotes",
    "Ridge",
    "RosenfeldRule",
    "Scores",
    "Transform",
    "Votes",
    "Whiten",
    "read_draws",
    "winner",
]
