"""Guarantees: conversion of a vote bound into a certified radius.

A new guarantee is a subclass of `Guarantee`.
"""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from smoothing.guarantees.guarantee import Guarantee, VoteBound
    from smoothing.guarantees.joint import JointNeymanPearson
    from smoothing.guarantees.kl import KL, cut_to_divergence
    from smoothing.guarantees.neyman_pearson import NeymanPearson, exact_thresholds, thresholds
    from smoothing.guarantees.pairs import certified_pairs

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = [
    "KL",
    "Guarantee",
    "JointNeymanPearson",
    "NeymanPearson",
    "VoteBound",
    "certified_pairs",
    "cut_to_divergence",
    "exact_thresholds",
    "thresholds",
]
