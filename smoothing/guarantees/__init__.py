"""Guarantees: conversion of a vote bound into a certified radius.

A new guarantee is a subclass of `Guarantee`.
"""

from smoothing.guarantees.guarantee import Guarantee, VoteBound
from smoothing.guarantees.kl import KL, cut_to_divergence
from smoothing.guarantees.neyman_pearson import NeymanPearson, exact_thresholds, thresholds
from smoothing.guarantees.pairs import certified_pairs

__all__ = [
    "KL",
    "Guarantee",
    "NeymanPearson",
    "VoteBound",
    "certified_pairs",
    "cut_to_divergence",
    "exact_thresholds",
    "thresholds",
]
