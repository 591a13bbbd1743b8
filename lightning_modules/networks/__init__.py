"""Frozen networks: loaded from checkpoints, or pretrained elsewhere.

Add here how trained weights are read, identified and frozen. Their training is in `lightning_modules.training`.
"""
