"""Attacks on a test input: gradient ascent within a ball.

A new ball is a subclass of `Ball`, exported by `smoothing.attacks`.
"""
