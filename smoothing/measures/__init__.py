"""Smoothing measures: distributions over randomised versions of an object.

A new kind of noise is a subclass of `SmoothingMeasure`, `CategoricalMeasure` or `AdditiveNoise` in a file of its own.
"""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
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
    from smoothing.measures.denoised import DenoisedMeasure
    from smoothing.measures.denoiser import Denoiser
    from smoothing.measures.discrete import CategoricalMeasure, Discrete, LabelFlip
    from smoothing.measures.enumerable import EnumerableMeasure
    from smoothing.measures.gaussian_mixture import GaussianMixture
    from smoothing.measures.levels import OnLevels, Quantised, Rounded
    from smoothing.measures.measure import SmoothingMeasure
    from smoothing.measures.product import Part, Product
    from smoothing.measures.shared_splitting import SharedSplitting
    from smoothing.measures.sparse_discrete import SparseDiscrete
    from smoothing.measures.subsample import Subsample
    from smoothing.measures.unchanged import Unchanged, UnchangedExamples, UnchangedLabels

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = [
    "AdditiveNoise",
    "AnisotropicGaussian",
    "CategoricalMeasure",
    "DenoisedMeasure",
    "Denoiser",
    "Discrete",
    "EnumerableMeasure",
    "Gaussian",
    "GaussianMixture",
    "GeneralisedGaussian",
    "LabelFlip",
    "Laplace",
    "OnLevels",
    "OverlapMeasure",
    "Part",
    "Product",
    "Quantised",
    "Rounded",
    "SharedSplitting",
    "ShiftMeasure",
    "SmoothingMeasure",
    "SparseDiscrete",
    "Splitting",
    "Subsample",
    "Unchanged",
    "UnchangedExamples",
    "UnchangedLabels",
    "Uniform",
    "UniformLinf",
]
