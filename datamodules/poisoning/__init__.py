"""Attacks on training labels: upper bounds on what can be certified."""

from datamodules.poisoning.best_attack import BestAttack
from datamodules.poisoning.head_attacks import HeadAttack, InfluenceAttack, NearestAttack

__all__ = ["BestAttack", "HeadAttack", "InfluenceAttack", "NearestAttack"]
