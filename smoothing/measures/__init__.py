"""Smoothing measures: how an object is randomised."""

from smoothing.measures.additive import (
    AdditiveNoise,
    AnisotropicGaussian,
    Gaussian,
    GeneralisedGaussian,
    Laplace,
    ShiftMeasure,
    Uniform,
)
from smoothing.measures.boxes import OverlapMeasure, Splitting, UniformLinf
from smoothing.measures.discrete import CategoricalMeasure, Discrete, LabelFlip
from smoothing.measures.gaussian_mixture import GaussianMixture
from smoothing.measures.levels import OnLevels, Quantised, Rounded
from smoothing.measures.measure import SmoothingMeasure
from smoothing.measures.sparse_discrete import SparseDiscrete

__all__ = [
    "AdditiveNoise",
    "AnisotropicGaussian",
    "CategoricalMeasure",
    "Discrete",
    "Gaussian",
    "GaussianMixture",
    "GeneralisedGaussian",
    "LabelFlip",
    "Laplace",
    "OnLevels",
    "OverlapMeasure",
    "Quantised",
    "Rounded",
    "ShiftMeasure",
    "SmoothingMeasure",
    "SparseDiscrete",
    "Splitting",
    "Uniform",
    "UniformLinf",
]
