"""Attacks on training labels: changes of labels that change a prediction.

A new attack on a network with a retrained head is a subclass of `HeadAttack`, exported by `smoothing.attacks`.
"""
