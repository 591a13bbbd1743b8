"""Encoders: what turns inputs into the features that votes see."""

from lightning_modules.encoders.backbone import Backbone
from lightning_modules.encoders.encoder import Encoder
from lightning_modules.encoders.feature_classifier import FeatureClassifier
from lightning_modules.encoders.feature_network import FeatureNetwork
from lightning_modules.encoders.frozen import FrozenEncoder
from lightning_modules.encoders.patches import KMeansPatches

__all__ = ["Backbone", "Encoder", "FeatureClassifier", "FeatureNetwork", "FrozenEncoder", "KMeansPatches"]
