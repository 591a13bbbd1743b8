"""Certifiers: how a vote is bounded."""

from smoothing.certifiers.analytic import AnalyticCertifier
from smoothing.certifiers.berry_esseen import BerryEsseen
from smoothing.certifiers.certifier import Certifier
from smoothing.certifiers.chernoff import Chernoff
from smoothing.certifiers.clopper_pearson import ClopperPearson
from smoothing.certifiers.enumeration import Enumeration
from smoothing.certifiers.exact_vote import ExactVote

__all__ = ["AnalyticCertifier", "BerryEsseen", "Certifier", "Chernoff", "ClopperPearson", "Enumeration", "ExactVote"]
