"""Smoothing measures: how an object is randomised."""

from smoothing.measures.discrete import Discrete, LabelFlip
from smoothing.measures.measure import SmoothingMeasure

__all__ = ["Discrete", "LabelFlip", "SmoothingMeasure"]
