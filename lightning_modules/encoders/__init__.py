"""Encoders: maps from inputs to the features that votes use.

Add here subclasses of `Encoder`, or of `Backbone` for networks. No label under attack may influence them.
"""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from lightning_modules.encoders.backbone import Backbone
    from lightning_modules.encoders.encoder import Encoder
    from lightning_modules.encoders.fast_ica import FastICA
    from lightning_modules.encoders.feature_classifier import FeatureClassifier
    from lightning_modules.encoders.feature_network import FeatureNetwork
    from lightning_modules.encoders.frozen import FrozenEncoder
    from lightning_modules.encoders.patch_encoder import PatchEncoder
    from lightning_modules.encoders.patches import RICA, KMeansPatches, RandomFilters
    from lightning_modules.encoders.pretrained import PretrainedEncoder
    from lightning_modules.encoders.simclr import SimCLR
    from lightning_modules.encoders.texts import TextEncoder
    from lightning_modules.encoders.tfidf import TfidfSVD
    from lightning_modules.encoders.timm_backbone import TimmBackbone
    from lightning_modules.encoders.views import Views
    from lightning_modules.encoders.word_vectors import WordVectors

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = [
    "RICA",
    "Backbone",
    "Encoder",
    "FastICA",
    "FeatureClassifier",
    "FeatureNetwork",
    "FrozenEncoder",
    "KMeansPatches",
    "PatchEncoder",
    "PretrainedEncoder",
    "RandomFilters",
    "SimCLR",
    "TextEncoder",
    "TfidfSVD",
    "TimmBackbone",
    "Views",
    "WordVectors",
]
