"""Attacks on training labels.

A new attack on a network with a retrained head is a subclass of `HeadAttack`, exported by `smoothing.attacks`.
"""
