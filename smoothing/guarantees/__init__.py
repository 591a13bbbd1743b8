"""Guarantees: how a bound on the votes becomes a radius."""

from smoothing.guarantees.guarantee import Guarantee, VoteBound
from smoothing.guarantees.kl import KL, divergence_radius
from smoothing.guarantees.neyman_pearson import NeymanPearson, exact_thresholds, thresholds
from smoothing.guarantees.pairs import certified_pairs

__all__ = [
    "KL",
    "Guarantee",
    "NeymanPearson",
    "VoteBound",
    "certified_pairs",
    "divergence_radius",
    "exact_thresholds",
    "thresholds",
]
