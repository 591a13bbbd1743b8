"""Training objectives of base classifiers, and the attackers that some of them use.

Add here subclasses of `Objective`, one file each.
"""

from typing import TYPE_CHECKING

from smoothing.lazy import attach

if TYPE_CHECKING:
    from lightning_modules.objectives.attacker import Attacker
    from lightning_modules.objectives.cat_rs import CATRS
    from lightning_modules.objectives.consistency import Consistency
    from lightning_modules.objectives.ddn import DDN
    from lightning_modules.objectives.macer import MACER
    from lightning_modules.objectives.noise import Noise
    from lightning_modules.objectives.noise_augmentation import NoiseAugmentation
    from lightning_modules.objectives.objective import Objective
    from lightning_modules.objectives.pgd import PGD
    from lightning_modules.objectives.smooth_adv import SmoothAdv
    from lightning_modules.objectives.smooth_mix import SmoothMix
    from lightning_modules.objectives.stability import Stability
    from smoothing.attacks import Draws

__getattr__, __dir__ = attach(__name__, __file__)

__all__ = [
    "CATRS",
    "DDN",
    "MACER",
    "PGD",
    "Attacker",
    "Consistency",
    "Draws",
    "Noise",
    "NoiseAugmentation",
    "Objective",
    "SmoothAdv",
    "SmoothMix",
    "Stability",
]
