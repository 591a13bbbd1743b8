"""Certifiers: from votes to certificates."""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from smoothing.certifiers.analytic.analytic_certifier import AnalyticCertifier
    from smoothing.certifiers.analytic.berry_esseen import BerryEsseen
    from smoothing.certifiers.analytic.chernoff import Chernoff
    from smoothing.certifiers.certifier import Certifier
    from smoothing.certifiers.evaluator import Evaluator
    from smoothing.certifiers.exact.enumeration import Enumeration
    from smoothing.certifiers.exact.exact_vote import ExactVote
    from smoothing.certifiers.exact.joint_naming import JointNaming
    from smoothing.certifiers.exact.parts_certifier import PartsCertifier
    from smoothing.certifiers.exact.plurality import Plurality
    from smoothing.certifiers.exact.run_off import RunOff
    from smoothing.certifiers.exact.white_box import WhiteBox
    from smoothing.certifiers.sampled.clopper_pearson import ClopperPearson, RandomisedClopperPearson
    from smoothing.certifiers.sampled.empirical import Empirical
    from smoothing.certifiers.sampled.prediction import Prediction
    from smoothing.certifiers.sampled.sampled_certifier import SampledCertifier, TwoSampleCertifier
    from smoothing.certifiers.sampled.sequential import Sequential
    from smoothing.certifiers.sampled.staged import Staged

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = [
    "AnalyticCertifier",
    "BerryEsseen",
    "Certifier",
    "Chernoff",
    "ClopperPearson",
    "Empirical",
    "Enumeration",
    "Evaluator",
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
