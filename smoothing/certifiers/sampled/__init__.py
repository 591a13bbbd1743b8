"""Sampled certifiers: the vote under noise is bounded from random samples (Monte Carlo).

A new certifier is a subclass of `SampledCertifier` or `TwoSampleCertifier`, exported by `smoothing.certifiers`.
"""
