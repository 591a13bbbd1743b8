"""Certifiers that bound vote probabilities from random draws (Monte Carlo).

A new certifier is a subclass of `SampledCertifier` or `TwoSampleCertifier`, exported by `smoothing.certifiers`.
"""
