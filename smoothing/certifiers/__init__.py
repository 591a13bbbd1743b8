"""Certifiers: how a vote is bounded."""

from smoothing.certifiers.analytic import AnalyticCertifier
from smoothing.certifiers.berry_esseen import BerryEsseen
from smoothing.certifiers.certifier import Certifier
from smoothing.certifiers.chernoff import Chernoff
from smoothing.certifiers.clopper_pearson import ClopperPearson, RandomisedClopperPearson
from smoothing.certifiers.empirical import Empirical
from smoothing.certifiers.enumeration import Enumeration
from smoothing.certifiers.exact_vote import ExactVote
from smoothing.certifiers.joint_naming import JointNaming
from smoothing.certifiers.parts import PartsCertifier
from smoothing.certifiers.plurality import Plurality
from smoothing.certifiers.prediction import Prediction
from smoothing.certifiers.run_off import RunOff
from smoothing.certifiers.sampled import SampledCertifier, TwoSampleCertifier
from smoothing.certifiers.sequential import Sequential
from smoothing.certifiers.staged import Staged
from smoothing.certifiers.white_box import WhiteBox

__all__ = [
    "AnalyticCertifier",
    "BerryEsseen",
    "Certifier",
    "Chernoff",
    "ClopperPearson",
    "Empirical",
    "Enumeration",
    "ExactVote",
    "JointNaming",
    "PartsCertifier",
    "Plurality",
    "Prediction",
    "RandomisedClopperPearson",
    "RunOff",
    "SampledCertifier",
    "Sequential",
    "Staged",
    "TwoSampleCertifier",
    "WhiteBox",
]
