"""Smoothing measures: how an object is randomised."""

from smoothing.measures.additive import (
    AdditiveNoise,
    AnisotropicGaussian,
    Gaussian,
    GeneralisedGaussian,
    Laplace,
    Uniform,
)
from smoothing.measures.boxes import OverlapMeasure, Splitting, UniformLinf
from smoothing.measures.discrete import Discrete, LabelFlip
from smoothing.measures.gaussian_mixture import GaussianMixture
from smoothing.measures.measure import SmoothingMeasure

__all__ = [
    "AdditiveNoise",
    "AnisotropicGaussian",
    "Discrete",
    "Gaussian",
    "GaussianMixture",
    "GeneralisedGaussian",
    "LabelFlip",
    "Laplace",
    "OverlapMeasure",
    "SmoothingMeasure",
    "Splitting",
    "Uniform",
    "UniformLinf",
]
