"""What composes measures, votes and certifiers for Lightning."""

from lightning_modules.certification import Certification
from lightning_modules.encoder import Encoder, FrozenEncoder
from lightning_modules.trainer import Trainer

__all__ = ["Certification", "Encoder", "FrozenEncoder", "Trainer"]
