"""Collective certificates: how many of many answers one attacker can change with one budget (THEORY.md 4.9).

A new collective certifier is a subclass of `CollectiveCertifier`, exported here.
"""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from smoothing.collective.collective_certifier import CollectiveCertifier
    from smoothing.collective.evaluator import CollectiveEvaluator
    from smoothing.collective.examples import AnsweredExamples, Sketch
    from smoothing.collective.linear_vote import CollectiveVote
    from smoothing.collective.partitions import CollectivePlurality, CollectiveRunOff
    from smoothing.collective.run import CollectiveBounds, collective_bounds
    from smoothing.collective.table import CollectiveRow, CollectiveTable

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = [
    "AnsweredExamples",
    "CollectiveBounds",
    "CollectiveCertifier",
    "CollectiveEvaluator",
    "CollectivePlurality",
    "CollectiveRow",
    "CollectiveRunOff",
    "CollectiveTable",
    "CollectiveVote",
    "Sketch",
    "collective_bounds",
]
